import type { Close } from "../../contracts/refusal.ts";
import type { Events } from "../../events/events.ts";
import type { HookSession, HookShard } from "../../hooks/hooks.ts";
import { hookSession, type Open } from "../connections/session.ts";

export type SessionRowsParts = {
  readonly storage: DurableObjectStorage;
  readonly events: Pick<Events, "wants" | "record" | "hasRoom">;
  readonly shard: HookShard;
  /** The ids of the sessions with a socket. */
  readonly present: () => ReadonlySet<string>;
  /** Appoints the call of `settle`. */
  readonly arm: (at: number) => void;
};

/** The words of several sockets that have closed during a sleep come one after the other, the first of them wakes. */
const CLOSES_COME_MS = 2_000;

/** How many rows one alarm looks at. A row has at most the 16 KB of an attachment (docs/platform.md P2). */
const PAGE_ROWS = 250;
/** After this time the receivers of events may have made room. */
const NO_ROOM_MS = 5_000;

/** The shard died, so how the session ended is not known. */
const LOST: Close = { code: 1006, reason: "lost" };

/**
 * One row for each session that was let in, so that its end is told also if this shard dies (SPEC HK4). None where
 * neither a hook nor the webhook wants to hear of it (SPEC HK5).
 */
export class SessionRows {
  readonly #parts: SessionRowsParts;
  readonly #sql: SqlStorage;
  readonly #events: SessionRowsParts["events"];
  readonly #shard: HookShard;
  /** The rows up to this id have been looked at. */
  #settledUpTo = "";

  constructor(parts: SessionRowsParts) {
    this.#parts = parts;
    this.#sql = parts.storage.sql;
    this.#events = parts.events;
    this.#shard = parts.shard;
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
    try {
      this.#end(hookSession(open), close);
    } catch (error) {
      // Its row is there still, and its end is told as that of a session that was lost.
      this.#parts.arm(Date.now() + CLOSES_COME_MS);
      throw error;
    }
  }

  /**
   * A session that has a row and no socket was lost in a crash, or its socket has closed while the object slept. The
   * word of such a close comes within moments (SPEC BD21), and what has not ended by then was lost.
   */
  wake(now: number): void {
    if (!this.#events.wants("disconnected")) return;
    this.#exec(
      "CREATE TABLE IF NOT EXISTS roll (client TEXT PRIMARY KEY, session TEXT NOT NULL) WITHOUT ROWID",
    );
    const present = this.#parts.present();
    // One row after the other: all of them may be more than the memory holds.
    for (const { client } of this.#sql.exec<{ client: string }>("SELECT client FROM roll")) {
      if (!present.has(client)) return this.#parts.arm(now + CLOSES_COME_MS);
    }
  }

  /**
   * Tells the ends of sessions that have a row and no socket, a page of rows at a time; answers when to go on. Waits
   * while the events' receivers have half of a full queue to take, so that no end is dropped (SPEC BD66).
   */
  settle(now: number): number | undefined {
    if (!this.#events.wants("disconnected")) return undefined;
    const present = this.#parts.present();
    const query = "SELECT * FROM roll WHERE client > ? ORDER BY client LIMIT ?";
    const page = this.#sql
      .exec<{ client: string; session: string }>(query, this.#settledUpTo, PAGE_ROWS)
      .toArray();
    for (const { client, session } of page) {
      if (!present.has(client)) {
        if (!this.#events.hasRoom) return now + NO_ROOM_MS;
        this.#end(JSON.parse(session) as HookSession, LOST);
      }
      this.#settledUpTo = client;
    }
    if (page.length === PAGE_ROWS) return now;
    this.#settledUpTo = "";
    return undefined;
  }

  #end(session: HookSession, { code, reason }: Close): void {
    this.#parts.storage.transactionSync(() => {
      this.#exec("DELETE FROM roll WHERE client = ?", session.client);
      this.#events.record({ type: "disconnected", shard: this.#shard, session, code, reason });
    });
  }

  #exec(query: string, ...values: SqlStorageValue[]): void {
    this.#sql.exec(query, ...values);
  }
}
