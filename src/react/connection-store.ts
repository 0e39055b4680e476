import type { Centrifuge } from "centrifuge";

export type ConnectionState = {
  readonly status: "disconnected" | "connecting" | "connected";
  /** Why the client is not connected; after a code of the server also its code (docs/protocol.md C33). */
  readonly reason: { readonly code: number; readonly reason: string } | undefined;
};

/** The state of a connection, as `useSyncExternalStore` takes it. */
export class ConnectionStore {
  readonly #centrifuge: Centrifuge;
  #state: ConnectionState;

  constructor(centrifuge: Centrifuge) {
    this.#centrifuge = centrifuge;
    this.#state = { status: centrifuge.state, reason: undefined };
  }

  readonly read = (): ConnectionState => {
    if (this.#state.status !== this.#centrifuge.state)
      this.#state = { status: this.#centrifuge.state, reason: undefined };
    return this.#state;
  };

  readonly watch = (onChange: () => void): (() => void) => {
    const connected = (): void => {
      this.#state = { status: "connected", reason: undefined };
      onChange();
    };
    const lost =
      (status: "connecting" | "disconnected") =>
      ({ code, reason }: { readonly code: number; readonly reason: string }): void => {
        this.#state = { status, reason: { code, reason } };
        onChange();
      };
    const [connecting, disconnected] = [lost("connecting"), lost("disconnected")];
    this.#centrifuge.on("connected", connected);
    this.#centrifuge.on("connecting", connecting);
    this.#centrifuge.on("disconnected", disconnected);
    return () => {
      this.#centrifuge.off("connected", connected);
      this.#centrifuge.off("connecting", connecting);
      this.#centrifuge.off("disconnected", disconnected);
    };
  };
}
