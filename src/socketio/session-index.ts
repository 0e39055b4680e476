import type { Session } from "../shard/connections/session.ts";

/** The sessions of a shard by a key of their state. Built when it is first asked after a sleep. */
export class SessionIndex {
  readonly #sessions: Iterable<Session>;
  readonly #keyOf: (session: Session) => string;
  #byKey: Map<string, Session> | undefined;

  constructor(sessions: Iterable<Session>, keyOf: (session: Session) => string) {
    this.#sessions = sessions;
    this.#keyOf = keyOf;
  }

  find(key: string): Session | undefined {
    this.#byKey ??= new Map([...this.#sessions].map((session) => [this.#keyOf(session), session]));
    return this.#byKey.get(key);
  }

  add(session: Session): void {
    this.#byKey?.set(this.#keyOf(session), session);
  }

  delete(session: Session): void {
    this.#byKey?.delete(this.#keyOf(session));
  }
}
