import { addressKey, readAddress, type SentAddress, type ShardAddress } from "../contracts/address.ts";
import type {
  HistoryQuery,
  HistoryResult,
  Listening,
  PublishRequest,
  PublishResult,
  Registration,
} from "../contracts/log.ts";
import { CALL_BYTES, type ChannelEvent, type LogView } from "../contracts/publication.ts";
import { CONTRACT } from "../contracts/version.ts";
import { shardStub, within } from "../platform/calls.ts";
import { frontsOf } from "../platform/fronts.ts";
import type { ChannelLogParts, LogDuty } from "./channel-log-parts.ts";
import { Deliveries } from "./deliveries.ts";
import { Lane } from "./lane.ts";
import { expireHeld } from "./held.ts";
import { describe, heardBy, startOf, type Listener, saveHeard } from "./listener.ts";
import type { Appended, Log } from "./log.ts";
import { openLog } from "./open-log.ts";
import { Registrations, type ShardRegistration } from "./registrations.ts";
import { isKept, isNew, reportPublished } from "./report-published.ts";
import { isStored, migrate } from "./schema.ts";

/** After this the alarm looks for what a crash has left undelivered. */
const DELIVER_CHECK_MS = 5_000;
const DELIVER_CHECK_LAST_MS = 60_000;

/**
 * A log and the shards that follow it: numbers publications, keeps them where the namespace wants that, and hands
 * them, in order, to exactly the shards that are registered (SPEC LG, DL).
 */
export class ChannelLog {
  readonly #parts: ChannelLogParts;
  #log: Log;
  /** A name that nobody has used yet has no tables (SPEC BD13). */
  #isStored: boolean;
  readonly #registrations: Registrations;
  /** By the key of the shard's address. */
  readonly #listeners = new Map<string, Listener>();
  readonly #deliveries: Deliveries;
  /** Every registration has a listener here. */
  #reachesAll = true;
  #checkMs = DELIVER_CHECK_MS;
  /** When the last shard left in this life, ms since 1970. */
  #leftAt = 0;
  /** When a duty is due, as far as this life knows: the appointment moves to an earlier time only, until it runs. */
  readonly #armed = new Map<LogDuty, number>();

  constructor(parts: ChannelLogParts) {
    const { env, config, failures, usage } = parts;
    this.#parts = parts;
    const { storage } = parts.ctx;
    this.#isStored = isStored(storage);
    if (this.#isStored) migrate(storage);
    this.#log = openLog(storage, parts.namespace, { isStored: this.#isStored });
    this.#registrations = new Registrations(storage.sql);
    this.#deliveries = new Deliveries(env, this.#listeners, { times: config.cluster.times, failures, usage });
    if (!this.#isStored) return;
    const fronts = frontsOf(env);
    for (const registered of this.#registrations.all()) {
      // A deployment without its binding cannot reach it; with the binding again it goes on from its row.
      if (!fronts.includes(registered.shard.front)) {
        this.#reachesAll = false;
        continue;
      }
      // An earlier life of this object may have sent every publication that there is.
      this.#listen(registered, this.#log.top);
    }
  }

  get top(): number {
    return this.#log.top;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** Something is stored, and nobody needs it: no shard listens, and nothing is remembered (SPEC BD13). */
  get isUnneeded(): boolean {
    return (
      this.#isStored && this.#listeners.size === 0 && this.#log.isForgotten && this.#registrations.isEmpty
    );
  }

  /**
   * The first call of an object's life finishes the deliveries that a crash has interrupted (SPEC DL5), and makes the
   * appointment that release 0.2.0 did not make for what it left (SPEC BD42).
   */
  wake(): void {
    for (const { lane } of this.#behind()) this.#parts.ctx.waitUntil(lane.run());
    const isInUseAndEmpty = this.#log.top === 0 && this.#listeners.size > 0;
    if (this.#isStored && !isInUseAndEmpty && this.#parts.timetable.at("expire") === undefined)
      this.#arm("expire", this.#expire(Date.now()));
  }

  shards(): ShardAddress[] {
    return [...this.#listeners.values()].map(({ registered }) => registered.shard);
  }

  /**
   * See `LogContract.register`. The call may be late, and of a life of the shard that has ended: so the new registration
   * goes on where the one before is, and a shard that begins after that drops what comes between (SPEC BD11).
   */
  register(sent: SentAddress, listening: Listening | null): Registration | null {
    const shard = readAddress(sent);
    const known = this.#listeners.get(addressKey(shard));
    const offset = startOf(this.#log, known, listening);
    if (offset === undefined) return null;
    this.#store();
    const heard = known !== undefined && this.#log.durable ? Math.min(offset, heardBy(known)) : offset;
    return { ...describe(this.#begin(shard, heard), this.#log), offset };
  }

  /** Makes sure that a shard has a registration: it hears every event from now on. */
  enlist(shard: ShardAddress): void {
    if (!this.#listeners.has(addressKey(shard))) this.renew(shard);
  }

  /**
   * A new registration at the offset that the shard has heard. The answer to a call that was made under the one before
   * may come from an earlier life of the shard, and does not count.
   */
  renew(shard: ShardAddress): Registration {
    this.#store();
    const known = this.#listeners.get(addressKey(shard));
    return describe(this.#begin(shard, known === undefined ? this.#log.top : heardBy(known)), this.#log);
  }

  forget(shard: ShardAddress): void {
    const listener = this.#listeners.get(addressKey(shard));
    if (listener !== undefined) this.#forget(listener.registered);
  }

  /** Asks a shard whether it still listens, and ends its registration if not. Answers whether it has one after all. */
  async probe(key: string): Promise<boolean> {
    const listener = this.#listeners.get(key);
    if (listener === undefined) return false;
    const { env, config, name: channel } = this.#parts;
    const asked = shardStub(env, listener.registered.shard).attends(channel, CONTRACT);
    if (!(await within(config.cluster.times.deliveryTimeoutMs, asked))) this.#forget(listener.registered);
    return this.#listeners.has(key);
  }

  /** Stores, then sends. Answers when the publication is durable; the same `id` again publishes nothing new. */
  publish(publication: PublishRequest): PublishResult {
    const [result] = this.publishAll([publication]);
    if (result === undefined) throw new Error("a publication has a result");
    return result;
  }

  /** The same for many, in their order: all of them, or none where a write throws (SPEC EL21). */
  publishAll(publications: readonly PublishRequest[]): PublishResult[] {
    if (this.#log.durable) this.#store();
    const now = Date.now();
    if (this.#log.durable && this.#listeners.size > 0 && publications.some(isKept))
      this.#appointDelivery(now + DELIVER_CHECK_MS);
    const report = reportPublished(this.#parts, this.#log, publications);
    const appended = this.#log.appendAll(publications, now, report);
    this.tell(...publications.flatMap((one, n) => this.#eventsOf(one, appended[n], now)));
    return appended.map(({ repeated: _repeated, ...result }) => result);
  }

  /** Hands events to every shard that listens. */
  tell(...events: readonly ChannelEvent[]): void {
    if (events.length === 0) return;
    for (const { lane } of this.#listeners.values()) this.#parts.ctx.waitUntil(lane.push(...events));
  }

  #eventsOf({ body, passing }: PublishRequest, appended: Appended | undefined, now: number): ChannelEvent[] {
    if (appended === undefined || !isNew(appended)) return [];
    if (this.#log.durable) this.#arm("expire", this.#log.dueAfterAppend(now));
    if (this.#log.durable && passing === true) return [{ kind: "passing", body }];
    return [{ kind: "pub", offset: appended.offset, body, at: now }];
  }

  /** See `LogContract.view`. */
  view(after: number): LogView {
    const { recoveryMaxPublications: count, resumeBytes: bytes } = this.#parts.config.cluster.limits;
    return this.#log.view(after, { count, bytes, now: Date.now() });
  }

  history(query: HistoryQuery): HistoryResult {
    const { historyMaxPublications: count } = this.#parts.config.cluster.limits;
    return this.#log.history(query, { count, bytes: CALL_BYTES, now: Date.now() });
  }

  /** Drops every publication; the top stays. A shard that listens drops its memory too, if it can be reached. */
  removeHistory(): void {
    const now = Date.now();
    this.#log.clear(now);
    this.#arm("expire", this.#expire(now));
    this.tell({ kind: "cleared", body: "" });
  }

  /** A duty of the object's alarm; answers when it is next due. */
  run(duty: LogDuty): number | undefined {
    this.#armed.delete(duty);
    return duty === "expire" ? this.#expire(Date.now()) : this.#checkDelivery();
  }

  /** Makes the tables of a name that is used for the first time. */
  #store(): void {
    if (this.#isStored) return;
    const { ctx, namespace } = this.#parts;
    migrate(ctx.storage);
    const { durable, logEpoch } = this.#log;
    // An ephemeral log stays as it is in memory. One that could not be opened is not stored.
    if (durable) this.#log = openLog(ctx.storage, namespace, { isStored: true, logEpoch });
    this.#isStored = true;
  }

  /** Makes a registration, and sends the shard the publications that it lacks until they have arrived (SPEC SO69). */
  #begin(shard: ShardAddress, heard: number): Listener {
    const listener = this.#listen(this.#registrations.add(shard, heard), this.#log.top);
    if (this.#log.durable && heard < this.#log.top) this.#arm("deliver", Date.now() + DELIVER_CHECK_MS);
    this.#parts.ctx.waitUntil(listener.lane.run());
    return listener;
  }

  /** `tried`: no call can have reached the shard with a publication after this offset. */
  #listen(registered: ShardRegistration, tried: number): Listener {
    const { shard, key, number, heard } = registered;
    // An ephemeral log begins anew with each life of the object.
    const lane = new Lane(this.#log.durable ? { heard, tried } : { heard: 0, tried: 0 }, {
      channel: this.#parts.name,
      shard,
      registration: number,
      log: this.#log,
      deliveries: this.#deliveries,
      onHeard: (offset, sessions) => this.#parts.onHeard?.(shard, offset, sessions),
      onNoListeners: () => this.#forget(registered),
    });
    const before = this.#listeners.get(key);
    const listener = { registered, lane, saved: heard };
    this.#listeners.set(key, listener);
    for (const event of before?.lane.stop() ?? []) this.#parts.ctx.waitUntil(lane.push(event));
    return listener;
  }

  /** Ends a registration, unless the shard has made a newer one since. */
  #forget({ key, number }: ShardRegistration): void {
    if (this.#listeners.get(key)?.registered.number !== number) return;
    // The row first: where that throws, the listener is forgotten by the next call.
    this.#registrations.delete(number);
    this.#listeners.get(key)?.lane.stop();
    this.#listeners.delete(key);
    if (this.#listeners.size === 0) {
      this.#leftAt = Date.now();
      this.#arm("expire", this.#expire(this.#leftAt));
    }
    this.#parts.onForgotten?.();
  }

  #behind(): Listener[] {
    if (!this.#log.durable) return [];
    return [...this.#listeners.values()].filter(({ lane }) => {
      if (lane.heard >= this.#log.top) return false;
      // A dropped publication cannot be delivered: the shard finds the gap at the next one, and no alarm need ring.
      return lane.waits || this.#log.after(lane.heard, { count: 1, bytes: 0 }).length > 0;
    });
  }

  /** Moves the appointment to an earlier time only: a duty that comes too early makes the next one. */
  #arm(duty: LogDuty, at: number | undefined): void {
    if (at === undefined || (this.#armed.get(duty) ?? Infinity) <= at) return;
    const { ctx, timetable, usage } = this.#parts;
    this.#armed.set(duty, at);
    if (timetable.isArmed(duty, at)) return;
    if (duty === "deliver") usage?.takeFromRow();
    ctx.waitUntil(timetable.arm(duty, at));
  }

  /** In the turn of an append, and before it: what is stored without it would not be sent if the object died (SPEC DL5). */
  #appointDelivery(at: number): void {
    this.#arm("deliver", at);
    if (this.#parts.timetable.isArmed("deliver", at)) return;
    this.#armed.delete("deliver");
    throw new Error("the delivery of a publication could not be appointed");
  }

  #checkDelivery(): number | undefined {
    for (const { lane } of this.#behind()) this.#parts.ctx.waitUntil(lane.run());
    const listeners = [...this.#listeners.values()];
    saveHeard(this.#registrations, listeners, { top: this.#log.top, reachesAll: this.#reachesAll });
    if (this.#behind().length === 0) {
      this.#checkMs = DELIVER_CHECK_MS;
      return undefined;
    }
    const next = Date.now() + this.#checkMs;
    this.#checkMs = Math.min(this.#checkMs * 2, DELIVER_CHECK_LAST_MS);
    return next;
  }

  #expire(now: number): number | undefined {
    const { history_meta_ttl: heldMs = 0 } = this.#parts.namespace ?? {};
    return expireHeld(this.#log, now, this.#listeners.size > 0 ? Infinity : this.#leftAt + heldMs);
  }
}
