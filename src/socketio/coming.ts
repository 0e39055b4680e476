import { logError } from "../platform/logger.ts";
import type { Connections } from "../shard/connections/connections.ts";
import type { Session } from "../shard/connections/session.ts";
import type { Running } from "./running.ts";

export type ComingParts = {
  readonly session: Session;
  readonly running: Running;
  readonly connections: Pick<Connections, "end">;
};

/** The namespaces that a client is coming into while its other frames go on. */
export class Coming {
  readonly #parts: ComingParts;
  /** Made when there is one. */
  #byNamespace: Map<string, Promise<void>> | undefined;

  constructor(parts: ComingParts) {
    this.#parts = parts;
  }

  /** Resolves when the client is in, or was refused; undefined where it is not on its way. */
  into(nsp: string): Promise<void> | undefined {
    return this.#byNamespace?.get(nsp);
  }

  /** Counts as a handler of the client until it has ended. */
  begin(nsp: string, connected: Promise<void>): void {
    this.#byNamespace ??= new Map();
    this.#byNamespace.set(nsp, this.#come(nsp, connected));
  }

  async #come(nsp: string, connected: Promise<void>): Promise<void> {
    const { session, running, connections } = this.#parts;
    session.busy += 1;
    try {
      await running.handler(connected);
    } catch (error) {
      logError("a frame failed", { session: session.attachment.id, error });
      connections.end(session, "serverError");
    }
    session.busy -= 1;
    this.#byNamespace?.delete(nsp);
    if (this.#byNamespace?.size === 0) this.#byNamespace = undefined;
  }
}
