import type { Centrifuge } from "centrifuge";

export type ConnectionState = {
  readonly status: "disconnected" | "connecting" | "connected";
  /** Why the client is not connected; after a code of the server also its code (docs/protocol.md C33). */
  readonly reason: { readonly code: number; readonly reason: string } | undefined;
};

/** The state of a connection, as `useSyncExternalStore` takes it. */
export class ConnectionStore {
  readonly #centrifuge: Centrifuge;
  readonly #watchers = new Set<() => void>();
  #state: ConnectionState;

  constructor(centrifuge: Centrifuge) {
    this.#centrifuge = centrifuge;
    this.#state = { status: centrifuge.state, reason: undefined };
    const lost =
      (status: "connecting" | "disconnected") =>
      ({ code, reason }: { readonly code: number; readonly reason: string }): void =>
        this.#set({ status, reason: { code, reason } });
    centrifuge.on("connected", () => this.#set({ status: "connected", reason: undefined }));
    centrifuge.on("connecting", lost("connecting"));
    centrifuge.on("disconnected", lost("disconnected"));
  }

  readonly read = (): ConnectionState => {
    if (this.#state.status !== this.#centrifuge.state)
      this.#state = { status: this.#centrifuge.state, reason: undefined };
    return this.#state;
  };

  readonly watch = (onChange: () => void): (() => void) => {
    const own = (): void => onChange();
    this.#watchers.add(own);
    return () => void this.#watchers.delete(own);
  };

  #set(state: ConnectionState): void {
    this.#state = state;
    for (const watcher of this.#watchers) watcher();
  }
}

/** One for each client: a component that comes later knows the reason too. */
const storesOfClients = new WeakMap<Centrifuge, ConnectionStore>();

export function connectionStoreOf(centrifuge: Centrifuge): ConnectionStore {
  let store = storesOfClients.get(centrifuge);
  if (store === undefined) {
    store = new ConnectionStore(centrifuge);
    storesOfClients.set(centrifuge, store);
  }
  return store;
}
