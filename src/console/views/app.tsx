import { useEffect } from "preact/hooks";
import { account, signInByLink } from "../data/account.ts";
import { clusterProblem } from "../data/store.ts";
import { ChangeDrawer } from "./change-drawer.tsx";
import { Channel } from "./channel.tsx";
import { Charts } from "./charts.tsx";
import { Clients } from "./clients.tsx";
import { Cost } from "./cost.tsx";
import { Header } from "./header.tsx";
import { Messages } from "./messages.tsx";
import { RingPanel } from "./ring-panel.tsx";
import { Scaling } from "./scaling.tsx";
import { Shards } from "./shards.tsx";
import { SignIn } from "./sign-in.tsx";
import { SocketIo } from "./socketio.tsx";
import { Timeline } from "./timeline.tsx";

export function App() {
  useEffect(() => {
    signInByLink();
    // A second sign-in link in the same tab changes only the fragment: the browser does not load the page again.
    const onHashChange = (): void => {
      if (location.hash.startsWith("#key=")) signInByLink();
    };
    addEventListener("hashchange", onHashChange);
    return () => removeEventListener("hashchange", onHashChange);
  }, []);
  if (account.value.state !== "signed in") return <SignIn />;
  return (
    <>
      <Header />
      <main>
        {clusterProblem.value !== undefined && (
          <p class="notice bad wide" role="alert">
            The console could not read the state of the cluster: {clusterProblem.value}. The numbers on this
            page may be old.
          </p>
        )}
        <RingPanel />
        <div class="beside">
          <Shards />
          <Clients />
        </div>
        <div class="lower">
          <Charts />
          <SocketIo />
          <Messages />
          <Channel />
          <Timeline />
          <Scaling />
          <Cost />
        </div>
      </main>
      <ChangeDrawer />
    </>
  );
}
