import type { Position } from "../../contracts/publication.ts";
import { logError } from "../../platform/logger.ts";
import { hashKey } from "../../ring/hash.ts";
import type { KeptPosition } from "./heard.ts";

/** Longer than most pauses in a busy channel: a shard that hears all the time writes nothing. */
const QUIET_MS = 500;
/** A bucket is split before it is longer. A stored value may have 2 MB, and a character has up to two bytes. */
const BUCKET_CHARS = 131_072;
/** More positions than a shard has memory for. */
const MAX_BUCKETS = 1_024;

/**
 * The key that releases 0.2.0 and 0.3.0 read and write. It has a value while the stored positions are those of the shard:
 * all of them, or where they are too many, the number of buckets that have them.
 */
const KEPT = "positions";
/** No channel has this name. */
const BUCKETS = "";
const PREFIX = "positions:";
const bucketKey = (bucket: number): string => `${PREFIX}${bucket}`;

type Entry = readonly [
  channel: string,
  logEpoch: string,
  offset: number,
  durable: 0 | 1,
  superseded?: Position,
];

/**
 * How far this shard has heard in each channel, stored when nothing has been heard for a moment (SPEC BD10).
 *
 * The first change deletes the value that says that the stored positions are true, and after a pause it comes back in one
 * transaction with the buckets that have changed. The object does not sleep before, as it waits for the timer
 * (docs/platform.md P22). So the cost is two rows and the changed buckets for each burst, and nothing for a delivery.
 */
export class Positions {
  readonly #ctx: Pick<DurableObjectState, "storage" | "waitUntil">;
  readonly #present: () => Map<string, KeptPosition>;
  /** A power of two. One bucket is kept in the value itself. */
  #buckets = 1;
  /** The buckets whose stored value is old. */
  readonly #changed = new Set<number>();
  #isDirty = false;
  #touchedAt = 0;
  #isWaiting = false;

  constructor(
    ctx: Pick<DurableObjectState, "storage" | "waitUntil">,
    present: () => Map<string, KeptPosition>,
  ) {
    this.#ctx = ctx;
    this.#present = present;
  }

  /**
   * The positions as they were when the object fell asleep. Without a socket the object may have crashed, and after a
   * failed write the stored positions are old: then none is believed, now or later (SPEC DL8).
   */
  wake({ sockets }: { readonly sockets: number }): ReadonlyMap<string, KeptPosition> {
    const { kv } = this.#ctx.storage;
    const kept = kv.get<Map<string, KeptPosition>>(KEPT);
    if (sockets > 0 && kept !== undefined) {
      const buckets = kept.get(BUCKETS)?.offset;
      if (buckets === undefined) return kept;
      try {
        const positions = this.#read(buckets);
        this.#buckets = buckets;
        return positions;
      } catch (error) {
        logError("the shard cannot read its positions, and believes none of them", { error });
      }
    }
    if (kept !== undefined) kv.delete(KEPT);
    const buckets = Array.from(kv.list({ prefix: PREFIX }), ([key]) => key);
    for (const bucket of buckets) kv.delete(bucket);
    return new Map();
  }

  /** The position in a channel has changed. */
  touch(channel: string): void {
    this.#changed.add(this.#bucketOf(channel));
    this.#touchedAt = Date.now();
    this.#markDirty();
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#ctx.waitUntil(this.#writeWhenQuiet());
  }

  #read(buckets: number): Map<string, KeptPosition> {
    const kept = new Map<string, KeptPosition>();
    for (let bucket = 0; bucket < buckets; bucket++) {
      const entries = JSON.parse(this.#ctx.storage.kv.get<string>(bucketKey(bucket)) ?? "[]") as Entry[];
      for (const [channel, logEpoch, offset, durable, superseded] of entries) {
        const position = { logEpoch, offset, durable: durable === 1 };
        kept.set(channel, superseded === undefined ? position : { ...position, superseded });
      }
    }
    return kept;
  }

  #markDirty(): void {
    if (this.#isDirty) return;
    try {
      this.#ctx.storage.kv.delete(KEPT);
      this.#isDirty = true;
    } catch (error) {
      // The timer tries again, and keeps the object awake until then: only a sleep would believe what is stored.
      logError("the shard cannot mark its positions as dirty", { error });
    }
  }

  async #writeWhenQuiet(): Promise<void> {
    do {
      for (let rest = QUIET_MS; rest > 0; rest = this.#touchedAt + QUIET_MS - Date.now())
        await scheduler.wait(rest);
      this.#write();
      if (this.#changed.size > 0) this.#markDirty();
      // Dirty positions may sleep, because the next wake does not believe them.
    } while (this.#changed.size > 0 && !this.#isDirty);
    this.#isWaiting = false;
  }

  #write(): void {
    const { storage } = this.#ctx;
    const values = this.#encode();
    try {
      storage.transactionSync(() => {
        if (this.#buckets > 1) for (const [bucket, value] of values) storage.kv.put(bucketKey(bucket), value);
        storage.kv.put(KEPT, this.#buckets === 1 ? this.#present() : inBuckets(this.#buckets));
      });
    } catch (error) {
      return logError("the shard cannot store its positions; they are forgotten with its next sleep", {
        error,
      });
    }
    this.#changed.clear();
    this.#isDirty = false;
  }

  /** The values of the buckets that have changed; of all, where one has outgrown its size. */
  #encode(): ReadonlyMap<number, string> {
    const present = this.#present();
    for (;;) {
      const entries = new Map<number, Entry[]>([...this.#changed].map((bucket) => [bucket, []]));
      for (const [channel, position] of present)
        entries.get(this.#bucketOf(channel))?.push(entryOf(channel, position));
      const values = new Map([...entries].map(([bucket, list]) => [bucket, JSON.stringify(list)]));
      const isTooLong = [...values.values()].some(({ length }) => length > BUCKET_CHARS);
      if (!isTooLong || this.#buckets >= MAX_BUCKETS) return values;
      this.#buckets *= 2;
      for (let bucket = 0; bucket < this.#buckets; bucket++) this.#changed.add(bucket);
    }
  }

  #bucketOf(channel: string): number {
    return this.#buckets === 1 ? 0 : hashKey(channel, 0) & (this.#buckets - 1);
  }
}

function entryOf(channel: string, { logEpoch, offset, durable, superseded }: KeptPosition): Entry {
  const entry = [channel, logEpoch, offset, durable ? 1 : 0] as const;
  return superseded === undefined ? entry : [...entry, superseded];
}

/** Release 0.2.0 finds no channel in it, and asks the channels. */
const inBuckets = (buckets: number): ReadonlyMap<string, KeptPosition> =>
  new Map([[BUCKETS, { logEpoch: "", offset: buckets, durable: false }]]);
