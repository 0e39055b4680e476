import type { ComponentChild } from "preact";
import { useEffect } from "preact/hooks";
import { account, signInByLink } from "../data/account.ts";
import { route } from "../data/route.ts";
import { clusterProblem } from "../data/store.ts";
import { PAGES, type PageName } from "../model/route.ts";
import { Busiest } from "./busiest.tsx";
import { ChangeDrawer } from "./change-drawer.tsx";
import { Channel } from "./channel.tsx";
import { Charts } from "./charts.tsx";
import { Clients } from "./clients.tsx";
import { Configuration } from "./configuration.tsx";
import { Cost } from "./cost.tsx";
import { Health } from "./health.tsx";
import { Header } from "./header.tsx";
import { Messages } from "./messages.tsx";
import { RingPanel } from "./ring-panel.tsx";
import { Scaling } from "./scaling.tsx";
import { Sessions } from "./sessions.tsx";
import { FewShards, Shards } from "./shards.tsx";
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
  const { page } = route.value;
  useEffect(() => {
    document.title = page === "overview" ? "Ringcast" : `${PAGES[page]} · Ringcast`;
    scrollTo(0, 0);
  }, [page]);
  if (account.value.state !== "signed in") return <SignIn />;
  return (
    <>
      <Header />
      <main class={`page-${page}`}>
        {clusterProblem.value !== undefined && (
          <p class="notice bad wide" role="alert">
            The console could not read the state of the cluster: {clusterProblem.value}. The numbers on this
            page may be old.
          </p>
        )}
        {CONTENTS[page]()}
      </main>
      <ChangeDrawer />
    </>
  );
}

const CONTENTS: Record<PageName, () => ComponentChild> = {
  overview: () => (
    <>
      <RingPanel />
      <div class="beside">
        <FewShards />
        <Clients />
      </div>
      <Charts />
    </>
  ),
  shards: () => <Shards />,
  channels: () => (
    <>
      <Busiest />
      <Messages />
      <Channel />
    </>
  ),
  sessions: () => <Sessions />,
  socketio: () => <SocketIo />,
  changes: () => (
    <>
      <Timeline />
      <Scaling />
    </>
  ),
  health: () => <Health />,
  cost: () => <Cost />,
  configuration: () => <Configuration />,
};
