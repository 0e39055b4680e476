import type { Close } from "../../contracts/refusal.ts";
import type { Events } from "../../events/events.ts";
import type { HookSession, HookShard } from "../../hooks/hooks.ts";
import { hookSession, type Open } from "../connections/session.ts";

/** The shard died, so how the session ended is not known. */
const LOST: Close = { code: 1006, reason: "lost" };

/**
 * One row for each session that was let in, so that its end is told also if this shard dies (SPEC HK4). None where
 * neither a hook nor the webhook wants to hear of it (SPEC HK5).
 */
export class SessionRows {
  readonly #sql: SqlStorage;
  readonly #events: Events;
  readonly #shard: HookShard;

  constructor(storage: DurableObjectStorage, events: Events, shard: HookShard) {
    this.#sql = storage.sql;
    this.#events = events;
    this.#shard = shard;
  }

  /** A session was let in. An operator's page is no session of the deployment's. */
  add(open: Open): void {
    if (open.operator === true) return;
    const session = hookSession(open);
    if (this.#events.wants("connected"))
      this.#events.record({ type: "connected", shard: this.#shard, session });
    if (!this.#events.wants("disconnected")) return;
    this.#exec("INSERT OR REPLACE INTO roll VALUES (?, ?)", session.client, JSON.stringify(session));
  }

  /** A session has ended. */
  delete(open: Open, close: Close): void {
    if (open.operator === true || !this.#events.wants("disconnected")) return;
    this.#end(hookSession(open), close);
  }

  /** A session that has a row and no socket was lost in a crash. `present`: the ids of the sessions with a socket. */
  wake(present: ReadonlySet<string>): void {
    if (!this.#events.wants("disconnected")) return;
    this.#exec("CREATE TABLE IF NOT EXISTS roll (client TEXT PRIMARY KEY, session TEXT NOT NULL)");
    const rows = this.#sql.exec<{ client: string; session: string }>("SELECT * FROM roll").toArray();
    for (const { client, session } of rows) {
      if (!present.has(client)) this.#end(JSON.parse(session) as HookSession, LOST);
    }
  }

  #end(session: HookSession, { code, reason }: Close): void {
    this.#exec("DELETE FROM roll WHERE client = ?", session.client);
    this.#events.record({ type: "disconnected", shard: this.#shard, session, code, reason });
  }

  #exec(query: string, ...values: SqlStorageValue[]): void {
    this.#sql.exec(query, ...values);
  }
}
