import type { Config, NamespaceConfig } from "../config.ts";
import { keepsHistory } from "../config.ts";
import { callAgain, within } from "../platform/call.ts";
import { shardStub, type ShardRef } from "../platform/stubs.ts";
import type { Timetable } from "../platform/timetable.ts";
import type {
  DeliveryResult,
  Entry,
  HistoryQuery,
  HistoryResult,
  PublishOrder,
  PublishResult,
  Registration,
} from "../contracts/delivery.ts";
import type { LogView, Position } from "./recovery.ts";
import { Courier } from "./delivery.ts";
import { openDurableLog } from "./durable-log.ts";
import { Lane, type Batch } from "./lane.ts";
import { Listeners, type Listener } from "./registrations.ts";
import { openEphemeralLog, type ChannelLog } from "./log.ts";
import { migrate } from "./schema.ts";

/** How long one attempt to deliver goes on; the alarm makes the next. */
const DELIVERY_RETRY_MS = 30_000;
/** After this the alarm looks for what a crash has left undelivered. */
const DELIVER_CHECK_MS = 5_000;
const DELIVER_CHECK_LAST_MS = 60_000;

/** What a feed has its object's alarm do. */
export type FeedDuty = "deliver" | "expire";

export type FeedParts = {
  readonly ctx: DurableObjectState;
  readonly env: Cloudflare.Env;
  readonly config: Config;
  readonly name: string;
  /** Undefined where nobody has configured it: then nothing is kept. */
  readonly namespace: NamespaceConfig | undefined;
  readonly timetable: Pick<Timetable<FeedDuty>, "at" | "arm">;
  /** A shard has everything up to an offset, and gave it to so many sessions. */
  readonly onHeard?: (shard: ShardRef, offset: number, sessions: number) => void;
  /** In the turn of the append. `offset` is null where nothing is kept of it. */
  readonly onPublished?: (body: string, offset: number | null) => void;
  /** A registration has ended. */
  readonly onForgotten?: () => void;
};

/**
 * A log and the shards that follow it: numbers publications, keeps them where the namespace wants that, and hands
 * them, in order, to exactly the shards that are registered (SPEC LG, DL).
 */
export class Feed {
  readonly #parts: FeedParts;
  readonly #log: ChannelLog;
  readonly #listeners: Listeners;
  readonly #lanes = new Map<string, { readonly registration: number; readonly lane: Lane }>();
  readonly #courier: Courier;
  /** Up to here an earlier life of this object may have sent what nobody has recorded as heard. */
  readonly #topAtWake: number;
  #checkMs = DELIVER_CHECK_MS;

  constructor(parts: FeedParts) {
    const { storage } = parts.ctx;
    this.#parts = parts;
    migrate(storage);
    this.#log = openLog(storage, parts.namespace);
    this.#topAtWake = this.#log.top;
    this.#listeners = new Listeners(storage.sql);
    this.#courier = new Courier(parts.env, parts.config);
  }

  get top(): number {
    return this.#log.top;
  }

  /** Whatever calls an object after its death also finishes what that has left undelivered (SPEC DL5). */
  wake(): void {
    for (const listener of this.#behind()) this.#run(this.#laneOf(listener));
  }

  shards(): ShardRef[] {
    return this.#listeners.all().map(({ shard }) => shard);
  }

  /** See `Channel.register`. */
  register(shard: ShardRef, listening: { readonly position: Position | null } | null): Registration | null {
    const heard = this.#startOf(shard, listening);
    if (heard === undefined) return null;
    const listener = this.#listeners.register(shard, heard);
    this.#run(this.#laneOf(listener, heard));
    return this.#describe(listener);
  }

  /** The registration that a shard has, or else a new one: it is to hear whatever comes from now on. */
  enlist(shard: ShardRef): Registration {
    const known = this.#listeners.get(shard.name);
    if (known !== undefined) return this.#describe(known);
    const listener = this.#listeners.register(shard, this.#log.top);
    this.#laneOf(listener, listener.heard);
    return this.#describe(listener);
  }

  forget(name: string): void {
    const listener = this.#listeners.get(name);
    if (listener !== undefined) this.#forget(listener);
  }

  /** Asks a shard whether it still listens, and ends its registration if not. Answers whether it has one after all. */
  async probe(name: string): Promise<boolean> {
    const listener = this.#listeners.get(name);
    if (listener === undefined) return false;
    const { env, config, name: channel } = this.#parts;
    const asked = shardStub(env, listener.shard).attends(channel);
    if (!(await within(config.cluster.times.deliveryTimeoutMs, asked))) this.#forget(listener);
    return this.#listeners.get(name) !== undefined;
  }

  /** Stores, then sends. Answers when the publication is durable; the same `id` again publishes nothing new. */
  publish(publication: PublishOrder): PublishResult {
    const now = Date.now();
    const { repeated, ...result } = this.#log.append(publication, now);
    if (repeated || result.refused !== null) return result;
    const kept = this.#log.durable && publication.passing !== true;
    this.#parts.onPublished?.(publication.body, kept ? result.offset : null);
    if (publication.passing === true && this.#log.durable) {
      this.tell({ kind: "passing", body: publication.body });
      return result;
    }
    if (this.#log.durable) {
      // In the turn of the append, so that both are durable together.
      this.#arm("deliver", now + DELIVER_CHECK_MS);
      if (this.#parts.timetable.at("expire") === undefined) this.#arm("expire", this.#expire(now));
    }
    this.tell({ kind: "pub", offset: result.offset, body: publication.body, at: now });
    return result;
  }

  /** Hands an entry to every shard that listens. */
  tell(entry: Entry): void {
    for (const listener of this.#listeners.all()) {
      this.#parts.ctx.waitUntil(this.#laneOf(listener).push(entry));
    }
  }

  /** The newest publications, for clients that resume: none at or before `after`, and as many as may be resumed. */
  view(after: number): LogView {
    return this.#log.view(after, this.#parts.config.cluster.limits.recoveryMaxPublications);
  }

  history(query: HistoryQuery): HistoryResult {
    return this.#log.history(query, this.#parts.config.cluster.limits.historyMaxPublications);
  }

  /** Drops what is kept; the top stays. Shards that listen forget it too, if they can be reached. */
  removeHistory(): void {
    this.#log.clear();
    this.tell({ kind: "cleared", body: "" });
  }

  /** A duty of the object's alarm; answers when it is next due. */
  run(duty: FeedDuty): number | undefined {
    return duty === "expire" ? this.#expire(Date.now()) : this.#checkDelivery();
  }

  #forget({ shard, registration }: Listener): void {
    if (!this.#listeners.forget(shard.name, registration)) return;
    this.#lanes.delete(shard.name);
    this.#parts.onForgotten?.();
  }

  #describe({ registration, heard }: Listener): Registration {
    const { logEpoch, durable } = this.#log;
    return { number: registration, logEpoch, offset: heard, durable };
  }

  #startOf(shard: ShardRef, listening: { readonly position: Position | null } | null): number | undefined {
    const { logEpoch, top, durable } = this.#log;
    if (listening === null || !durable) return top;
    const { position } = listening;
    if (position === null) return this.#listeners.get(shard.name)?.heard;
    return position.logEpoch === logEpoch && position.offset <= top ? position.offset : undefined;
  }

  #run(lane: Lane): void {
    this.#parts.ctx.waitUntil(lane.run());
  }

  #behind(): Listener[] {
    if (!this.#log.durable) return [];
    return this.#listeners.all().filter(({ heard, shard }) => {
      if (heard >= this.#log.top) return false;
      // What was dropped cannot be delivered: the shard finds the gap at the next publication, and no alarm need ring.
      return this.#lanes.get(shard.name)?.lane.waits === true || this.#log.after(heard, 1).length > 0;
    });
  }

  #checkDelivery(): number | undefined {
    for (const listener of this.#behind()) this.#run(this.#laneOf(listener));
    this.#listeners.save();
    if (this.#behind().length === 0) {
      this.#checkMs = DELIVER_CHECK_MS;
      return undefined;
    }
    const next = Date.now() + this.#checkMs;
    this.#checkMs = Math.min(this.#checkMs * 2, DELIVER_CHECK_LAST_MS);
    return next;
  }

  #expire(now: number): number | undefined {
    return this.#log.expire(now, this.#listeners.all().length > 0);
  }

  #arm(duty: FeedDuty, at: number | undefined): void {
    if (at !== undefined) this.#parts.ctx.waitUntil(this.#parts.timetable.arm(duty, at));
  }

  /** The lane of a registration. `fresh`: it begins there, and nothing has been sent to it. */
  #laneOf(listener: Listener, fresh?: number): Lane {
    const { shard, registration } = listener;
    const known = this.#lanes.get(shard.name);
    if (known?.registration === registration) return known.lane;
    const lane = new Lane(
      // A log that keeps nothing begins anew with each life of the object.
      this.#log.durable ? { heard: listener.heard, tried: fresh ?? this.#topAtWake } : { heard: 0, tried: 0 },
      {
        deliver: (batch) => this.#deliver(listener, batch),
        readAfter: (offset, limit) => this.#log.after(offset, limit),
        onHeard: (offset, sessions) => {
          this.#listeners.hear(shard.name, registration, offset);
          this.#parts.onHeard?.(shard, offset, sessions);
        },
        onNoListeners: () => {
          this.#forget(listener);
        },
      },
    );
    this.#lanes.set(shard.name, { registration, lane });
    return lane;
  }

  async #deliver({ shard, registration }: Listener, batch: Batch): Promise<DeliveryResult> {
    const { durable, logEpoch } = this.#log;
    const { upTo: _, ...rest } = batch;
    const delivery = { ...rest, channel: this.#parts.name, registration, logEpoch, durable };
    let attempts = 0;
    return callAgain(() => {
      attempts += 1;
      const again = attempts > 1;
      return this.#courier.deliver(shard, { ...delivery, mayRepeat: batch.mayRepeat || again }, again);
    }, DELIVERY_RETRY_MS);
  }
}

const newEpoch = (): string => crypto.randomUUID().slice(0, 8);

function openLog(storage: DurableObjectStorage, namespace: NamespaceConfig | undefined): ChannelLog {
  if (namespace === undefined || !keepsHistory(namespace)) return openEphemeralLog(newEpoch());
  const limits = {
    size: namespace.history_size,
    ttlMs: namespace.history_ttl,
    metaTtlMs: namespace.history_meta_ttl,
  };
  return openDurableLog(storage, { limits, newEpoch, now: Date.now() });
}
