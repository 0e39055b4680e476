import { callAgain, within } from "../../platform/calls.ts";
import { logError } from "../../platform/logger.ts";

/** A shard forgets a channel after this time without a listener. A move brings its listeners back within seconds. */
const LINGER_MS = 60_000;
/** One alarm forgets the channels that fall due in the same ten seconds. */
const TOGETHER_MS = 10_000;
/** A call whose caller has died, or has heard of a failure, may still arrive within this time. */
const LATE_CALL_MS = 60_000;
/** After a channel did not answer. */
const RETRY_MS = 5_000;
/** How long one channel is asked. */
const ASK_MS = 20_000;
/** How many channels are asked at a time: each is a call to an object, and after a crash every channel may be empty. */
const ASKED_AT_ONCE = 32;

/** When the shard has woken without a socket; kept until every channel of then is settled, or a new one comes. */
const ALONE_SINCE = "aloneSince";

export type EmptyChannelsParts = {
  readonly storage: DurableObjectStorage;
  /** Whether a hook or the webhook wants to hear of occupied and vacated channels. */
  readonly isWanted: () => boolean;
  /** The time without a listener after which such a hook hears of it. */
  readonly graceMs: number;
  readonly listeners: (channel: string) => number;
  /** Whether a listener is here, or is about to be. False: the next listener makes a new registration. */
  readonly hasListeners: (channel: string) => boolean;
  /** Has a channel look whether this shard still listens; answers whether it does. */
  readonly settle: (channel: string) => Promise<boolean>;
  /** Makes the one appointment with the alarm, moves it, or ends it. */
  readonly appoint: (at: number | undefined) => void;
  /** Makes the appointment, or moves it to an earlier time. */
  readonly arm: (at: number) => void;
};

/**
 * The channels that this shard is registered with, and the end of each registration after the last listener has left
 * (SPEC BD12, HK7).
 *
 * One row for each channel, written before the shard registers, and deleted when the channel has ended the
 * registration: a crash forgets the listeners, and not the channels. The channel asks back before it ends a
 * registration, so that a late word never ends a newer one. A register call may be late as well: the row stays, and the
 * channel is asked once more, until no such call can come. A number of channels is asked at a time (SPEC BD66).
 */
export class EmptyChannels {
  readonly #parts: EmptyChannelsParts;
  /** When a channel without listeners is to be asked, ms since 1970. */
  readonly #dueAt = new Map<string, number>();
  /** The channels that are asked, each with whether the shard has registered since: the answer may be of before. */
  readonly #asked = new Map<string, boolean>();
  readonly #settling = new Set<Promise<void>>();
  /** Until when a register call of this shard may arrive at a channel, although it has failed. */
  readonly #lateUntil = new Map<string, number>();
  #hasTable = false;
  #isLoaded = false;
  #aloneSince: number | undefined;
  #isAloneStored = false;

  constructor(parts: EmptyChannelsParts) {
    this.#parts = parts;
  }

  /** The shard is about to register with a channel. */
  registers(channel: string): void {
    if (!this.#hasTable)
      this.#exec("CREATE TABLE IF NOT EXISTS registered (channel TEXT PRIMARY KEY) WITHOUT ROWID");
    this.#hasTable = true;
    this.#exec("INSERT OR IGNORE INTO registered VALUES (?)", channel);
    if (this.#asked.has(channel)) this.#asked.set(channel, true);
    // The next crash has calls of its own that may be late.
    this.#forgetAlone();
  }

  /** A call that registers has failed, and may have arrived or arrive all the same. */
  registerFailed(channel: string): void {
    this.#lateUntil.set(channel, Date.now() + LATE_CALL_MS);
  }

  /** A listener has come to a channel, has left it, or did not come. */
  look(channel: string): void {
    if (this.#parts.listeners(channel) > 0) {
      // The time begins anew with the next listener that leaves.
      this.#dueAt.delete(channel);
      return;
    }
    if (this.#dueAt.has(channel)) return;
    const dueAt = this.#afterPause(Date.now());
    this.#dueAt.set(channel, dueAt);
    this.#parts.arm(dueAt);
  }

  /** Without a socket the shard may have crashed: every channel may be empty, and calls of before may be late. */
  wake({ sockets }: { readonly sockets: number }): void {
    if (sockets > 0 || !this.#hasRows()) return;
    const { kv } = this.#parts.storage;
    const stored = kv.get<number>(ALONE_SINCE);
    this.#aloneSince = stored ?? Date.now();
    if (stored === undefined) kv.put(ALONE_SINCE, this.#aloneSince);
    this.#isAloneStored = true;
    this.#parts.arm(this.#afterPause(this.#aloneSince));
  }

  /** The duty of the shard's alarm; answers when it is next due. */
  run(now: number): number | undefined {
    this.#load(now);
    this.#ask(now);
    return this.#next(now);
  }

  #ask(now: number): void {
    for (const [channel, dueAt] of this.#dueAt) {
      if (this.#asked.size >= ASKED_AT_ONCE) break;
      if (dueAt > now || this.#asked.has(channel)) continue;
      // A listener that has come since has a look of its own when it leaves.
      if (this.#parts.hasListeners(channel)) this.#dueAt.delete(channel);
      else this.#begin(channel);
    }
  }

  #begin(channel: string): void {
    const settling = this.#settle(channel).finally(() => this.#settling.delete(settling));
    this.#settling.add(settling);
  }

  /** Resolves when every channel that is asked has answered, or cannot be reached. */
  async settled(): Promise<void> {
    while (this.#settling.size > 0) await Promise.all(this.#settling);
  }

  /** In the first run of a life: the channels whose listeners left before the shard slept or crashed. */
  #load(now: number): void {
    if (this.#isLoaded) return;
    if (!this.#hasRows()) {
      this.#isLoaded = true;
      return;
    }
    const dueAt = this.#aloneSince === undefined ? now : this.#afterPause(this.#aloneSince);
    const rows = this.#parts.storage.sql.exec<{ channel: string }>("SELECT channel FROM registered");
    for (const { channel } of rows)
      if (!this.#dueAt.has(channel) && this.#parts.listeners(channel) === 0) this.#dueAt.set(channel, dueAt);
    this.#isLoaded = true;
  }

  async #settle(channel: string): Promise<void> {
    const { hasListeners, settle, appoint } = this.#parts;
    this.#asked.set(channel, false);
    try {
      const listens = await within(
        ASK_MS,
        callAgain(() => settle(channel)),
      );
      this.#dueAt.delete(channel);
      // A listener that came meanwhile has made a registration that needs the row, also where it has left again.
      if (listens || this.#asked.get(channel) === true || hasListeners(channel)) this.look(channel);
      else this.#settled(channel);
    } catch (error) {
      // It goes behind the others, so that channels that cannot be reached do not take all the places.
      this.#dueAt.delete(channel);
      this.#dueAt.set(channel, Date.now() + RETRY_MS);
      logError("a channel could not be told that its shard has no listeners", { channel, error });
    } finally {
      this.#asked.delete(channel);
      this.#ask(Date.now());
      if (this.#asked.size === 0) appoint(this.#next(Date.now()));
    }
  }

  #settled(channel: string): void {
    const aloneUntil = this.#aloneSince === undefined ? 0 : this.#aloneSince + LATE_CALL_MS;
    const lateUntil = Math.max(this.#lateUntil.get(channel) ?? 0, aloneUntil);
    if (lateUntil > Date.now()) {
      this.#dueAt.set(channel, lateUntil);
      return;
    }
    this.#lateUntil.delete(channel);
    // Without a table the release before has registered, for no hook.
    if (this.#hasRows()) this.#exec("DELETE FROM registered WHERE channel = ?", channel);
    if (this.#isAloneStored && !this.#hasRows()) this.#forgetAlone();
  }

  /** When the alarm has to ring. A channel that is due now follows those that are asked, without an alarm. */
  #next(now: number): number | undefined {
    let next = this.#asked.size > 0 ? now + RETRY_MS : Infinity;
    for (const [channel, dueAt] of this.#dueAt)
      if (!this.#asked.has(channel)) next = Math.min(next, dueAt > now ? dueAt : now + RETRY_MS);
    return next === Infinity ? undefined : next;
  }

  #afterPause(since: number): number {
    const { isWanted, graceMs } = this.#parts;
    if (isWanted()) return since + graceMs;
    return Math.ceil((since + LINGER_MS) / TOGETHER_MS) * TOGETHER_MS;
  }

  #forgetAlone(): void {
    if (this.#isAloneStored) this.#parts.storage.kv.delete(ALONE_SINCE);
    this.#isAloneStored = false;
  }

  #hasRows(): boolean {
    const { sql } = this.#parts.storage;
    this.#hasTable ||=
      sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'registered'").toArray().length >
      0;
    return this.#hasTable && sql.exec("SELECT 1 FROM registered LIMIT 1").toArray().length > 0;
  }

  #exec(query: string, ...values: SqlStorageValue[]): void {
    this.#parts.storage.sql.exec(query, ...values);
  }
}
