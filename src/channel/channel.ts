import { DurableObject } from "cloudflare:workers";
import { keepsHistory, type Config, type NamespaceConfig } from "../config.ts";
import { callAgain, within } from "../platform/call.ts";
import { configOf } from "../platform/config.ts";
import { shardStub, type ShardRef } from "../platform/stubs.ts";
import { Timetable } from "../platform/timetable.ts";
import { parseChannel } from "../protocol/channel-name.ts";
import type {
  DeliveryResult,
  Entry,
  HistoryQuery,
  HistoryResult,
  PresenceEvent,
  Present,
  PublishResult,
  Registration,
} from "../protocol/delivery.ts";
import { namespaceOf } from "../protocol/permissions.ts";
import type { LogView, Position } from "../protocol/recovery.ts";
import { openDurableLog } from "./durable-log.ts";
import { HeldLeaves } from "./held-leaves.ts";
import { Lane, type Batch } from "./lane.ts";
import { Listeners, type Listener } from "./listeners.ts";
import { openEphemeralLog, type ChannelLog } from "./log.ts";
import { migrate } from "./schema.ts";

/** How long one attempt to deliver goes on; the alarm makes the next. */
const DELIVERY_RETRY_MS = 30_000;
/** After this the alarm looks for what a crash has left undelivered. */
const DELIVER_CHECK_MS = 5_000;
const DELIVER_CHECK_LAST_MS = 60_000;

type Duty = "deliver" | "expire";

/**
 * One channel: numbers its publications, keeps them where the namespace wants that, and hands them, in order, to
 * exactly the shards that have listeners.
 *
 * Addressed by the channel's name, so it stays where it is when the ring changes.
 */
export class Channel extends DurableObject<Cloudflare.Env> {
  readonly #config: Config;
  readonly #name: string;
  readonly #log: ChannelLog;
  readonly #listeners: Listeners;
  readonly #lanes = new Map<string, { readonly registration: number; readonly lane: Lane }>();
  readonly #heldLeaves: HeldLeaves;
  readonly #timetable: Timetable<Duty>;
  /** Up to here an earlier life of this object may have sent what nobody has recorded as heard. */
  readonly #topAtWake: number;
  #checkMs = DELIVER_CHECK_MS;
  #awake = false;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    if (ctx.id.name === undefined) throw new Error("a channel is addressed by its name");
    this.#config = configOf(env);
    this.#name = ctx.id.name;
    migrate(ctx.storage);
    this.#log = openLog(ctx.storage, this.#namespace());
    this.#topAtWake = this.#log.top;
    this.#listeners = new Listeners(ctx.storage.sql);
    this.#timetable = new Timetable(ctx.storage);
    this.#heldLeaves = new HeldLeaves(this.#config.cluster.times.movedLeaveHoldMs, (event) =>
      this.#tell(event),
    );
  }

  /**
   * From now on the shard gets every entry. Once for each shard, not once for each of its clients.
   *
   * A shard that has no listeners yet starts after the newest publication. One that has (`listening`) starts after
   * its own position, or what is recorded as heard by it; where neither is known, the answer is `null`.
   */
  register(shard: ShardRef, listening: { readonly position: Position | null } | null): Registration | null {
    this.#wake();
    const heard = this.#startOf(shard, listening);
    if (heard === undefined) return null;
    const listener = this.#listeners.register(shard, heard);
    this.#run(this.#laneOf(listener, heard));
    return {
      number: listener.registration,
      logEpoch: this.#log.logEpoch,
      offset: heard,
      durable: this.#log.durable,
    };
  }

  /** Answers when the publication is durable. Repeating a call with the same `id` publishes nothing new. */
  publish(publication: { id: string; body: string }): PublishResult {
    this.#wake();
    const now = Date.now();
    const { repeated, ...result } = this.#log.append(publication, now);
    if (repeated || result.refused !== null) return result;
    if (this.#log.durable) {
      // In the turn of the append, so that both are durable together.
      this.#arm("deliver", now + DELIVER_CHECK_MS);
      if (this.#timetable.at("expire") === undefined) this.#arm("expire", this.#expire(now));
    }
    this.#tell({ kind: "pub", offset: result.offset, body: publication.body, at: now });
    return result;
  }

  /** The newest publications, for clients that resume: none at or before `after`, and as many as may be resumed. */
  view(after: number): LogView {
    this.#wake();
    return this.#log.view(after, this.#config.cluster.limits.recoveryMaxPublications);
  }

  history(query: HistoryQuery): HistoryResult {
    this.#wake();
    return this.#log.history(query, this.#config.cluster.limits.historyMaxPublications);
  }

  /** Joins and leaves, at most once each. */
  announce(events: readonly PresenceEvent[]): void {
    this.#wake();
    for (const event of events) if (this.#heldLeaves.pass(event)) this.#tell(event);
  }

  /** Who listens through any shard but `except`. Rejects if a shard does not answer: a part would be a lie. */
  async presence(except: string): Promise<Present[]> {
    this.#wake();
    const others = this.#listeners.all().filter(({ shard }) => shard.name !== except);
    const parts = await Promise.all(
      others.map(({ shard }) =>
        callAgain(() => within(2_000, shardStub(this.env, shard).presenceHere(this.#name))),
      ),
    );
    return parts.flat();
  }

  override async alarm(): Promise<void> {
    this.#wake();
    await this.#timetable.run(Date.now(), async (duty) => {
      if (duty === "expire") return this.#expire(Date.now());
      return this.#checkDelivery();
    });
  }

  /** Dies as a crash would have it. For development only. */
  crash(): void {
    this.ctx.abort("crashed by the operator");
  }

  /** Whatever calls a channel after its death also finishes what that has left undelivered (SPEC DL5). */
  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    for (const listener of this.#behind()) this.#run(this.#laneOf(listener));
  }

  #namespace(): NamespaceConfig | undefined {
    const parsed = parseChannel(this.#name, this.#config.cluster.limits.channelBytes);
    return parsed.ok ? namespaceOf(this.#config, parsed.channel) : undefined;
  }

  #startOf(shard: ShardRef, listening: { readonly position: Position | null } | null): number | undefined {
    const { logEpoch, top, durable } = this.#log;
    if (listening === null || !durable) return top;
    const { position } = listening;
    if (position === null) return this.#listeners.get(shard.name)?.heard;
    return position.logEpoch === logEpoch && position.offset <= top ? position.offset : undefined;
  }

  #tell(what: Entry | PresenceEvent): void {
    const entry: Entry = what.kind === "pub" ? what : { kind: what.kind, body: what.body };
    for (const listener of this.#listeners.all()) {
      const lane = this.#laneOf(listener);
      this.ctx.waitUntil(lane.push(entry));
    }
  }

  #run(lane: Lane): void {
    this.ctx.waitUntil(lane.run());
  }

  #behind(): Listener[] {
    if (!this.#log.durable) return [];
    return this.#listeners.all().filter(({ heard }) => heard < this.#log.top);
  }

  async #checkDelivery(): Promise<number | undefined> {
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

  #arm(duty: Duty, at: number | undefined): void {
    if (at !== undefined) this.ctx.waitUntil(this.#timetable.arm(duty, at));
  }

  /** The lane of a registration. `heard`: it begins there, and nothing has been sent to it. */
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
        onHeard: (offset) => this.#listeners.hear(shard.name, registration, offset),
        onNoListeners: () => {
          if (this.#listeners.forget(shard.name, registration)) this.#lanes.delete(shard.name);
        },
      },
    );
    this.#lanes.set(shard.name, { registration, lane });
    return lane;
  }

  async #deliver({ shard, registration }: Listener, batch: Batch): Promise<DeliveryResult> {
    const { durable, logEpoch } = this.#log;
    const { upTo: _, ...rest } = batch;
    const delivery = { ...rest, channel: this.#name, registration, logEpoch, durable };
    let attempts = 0;
    return callAgain(() => {
      attempts += 1;
      const mayRepeat = batch.mayRepeat || attempts > 1;
      return within(
        this.#config.cluster.times.deliveryTimeoutMs,
        shardStub(this.env, shard).deliver({ ...delivery, mayRepeat }),
      );
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
