import type { Session } from "../shard/connections/session.ts";
import { stateOf } from "./state.ts";

/** The sessions of a shard by the ids of their sockets. Built when it is first asked after a sleep. */
export class SocketIndex {
  readonly #sessions: Iterable<Session>;
  #byId: Map<string, Session> | undefined;

  constructor(sessions: Iterable<Session>) {
    this.#sessions = sessions;
  }

  find(id: string): Session | undefined {
    return this.#built().get(id);
  }

  add(id: string, session: Session): void {
    this.#built().set(id, session);
  }

  delete(id: string): void {
    this.#built().delete(id);
  }

  #built(): Map<string, Session> {
    if (this.#byId !== undefined) return this.#byId;
    const byId = new Map<string, Session>();
    for (const session of this.#sessions)
      for (const { id } of stateOf(session).members.values()) byId.set(id, session);
    this.#byId = byId;
    return byId;
  }
}
