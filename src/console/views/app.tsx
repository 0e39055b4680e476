import { useEffect } from "preact/hooks";
import { account, enterByLink } from "../data/account.ts";
import { clusterProblem } from "../data/store.ts";
import { ChangeDrawer } from "./change-drawer.tsx";
import { Channel } from "./channel.tsx";
import { Charts } from "./charts.tsx";
import { Clients } from "./clients.tsx";
import { Header } from "./header.tsx";
import { Messages } from "./messages.tsx";
import { RingPanel } from "./ring-panel.tsx";
import { Shards } from "./shards.tsx";
import { SignIn } from "./sign-in.tsx";
import { Timeline } from "./timeline.tsx";

export function App() {
  useEffect(() => {
    enterByLink();
    // A second link, opened in a page that is there already, changes the fragment alone.
    const again = (): void => {
      if (location.hash.startsWith("#key=")) enterByLink();
    };
    addEventListener("hashchange", again);
    return () => removeEventListener("hashchange", again);
  }, []);
  if (account.value.state !== "in") return <SignIn />;
  return (
    <>
      <Header />
      <main>
        {clusterProblem.value !== undefined && (
          <p class="notice bad wide" role="alert">
            The cluster could not be asked: {clusterProblem.value}. What is shown may be old.
          </p>
        )}
        <RingPanel />
        <div class="beside">
          <Shards />
          <Clients />
        </div>
        <div class="lower">
          <Charts />
          <Messages />
          <Channel />
          <Timeline />
        </div>
      </main>
      <ChangeDrawer />
    </>
  );
}
