import { DurableObject } from "cloudflare:workers";
import type { Config } from "../config.ts";
import { Feed, type FeedDuty } from "../log/channel-log.ts";
import { Events } from "../events/events.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { callAgain, within } from "../platform/call.ts";
import { configOf } from "../platform/config.ts";
import { shardStub, type ShardRef } from "../platform/stubs.ts";
import { Timetable } from "../platform/timetable.ts";
import { parseChannel } from "../policy/channel-name.ts";
import type {
  HistoryQuery,
  HistoryResult,
  PresenceEvent,
  Present,
  PublishOrder,
  PublishResult,
  Registration,
} from "../contracts/delivery.ts";
import { namespaceOf } from "../policy/permissions.ts";
import type { LogView, Position } from "../log/recovery.ts";
import { HeldLeaves } from "./held-leaves.ts";
import { Occupancy } from "./occupancy.ts";

/** How long a shard is waited for that is asked who listens. */
const PRESENCE_WAIT_MS = 2_000;

/**
 * One channel: its feed, and who is present.
 *
 * Addressed by the channel's name, so it stays where it is when the ring changes.
 */
export class Channel extends DurableObject<Cloudflare.Env> {
  /** See `Shard.hooks`. */
  static readonly hooks: Hooks = {};
  readonly #config: Config;
  readonly #name: string;
  readonly #feed: Feed;
  readonly #heldLeaves: HeldLeaves;
  readonly #timetable: Timetable<FeedDuty | "events" | "vacant">;
  readonly #events: Events;
  readonly #occupancy: Occupancy;
  #awake = false;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const { hooks }: typeof Channel = new.target;
    if (ctx.id.name === undefined) throw new Error("a channel is addressed by its name");
    this.#config = configOf(env);
    this.#name = ctx.id.name;
    this.#timetable = new Timetable(ctx.storage);
    const config = this.#config;
    const timetable = this.#timetable;
    this.#events = new Events({ ctx, env, config, hooks, timetable, ordered: true });
    const parsed = parseChannel(this.#name, this.#config.cluster.limits.channelBytes);
    this.#feed = new Feed({
      ctx,
      env,
      config: this.#config,
      name: this.#name,
      namespace: parsed.ok ? namespaceOf(this.#config, parsed.channel) : undefined,
      timetable: this.#timetable,
      onPublished: (body, offset) => this.#events.published(this.#name, body, offset),
      onForgotten: () => this.#occupancy.left(),
    });
    this.#occupancy = new Occupancy({
      ctx,
      channel: this.#name,
      events: this.#events,
      timetable,
      graceMs: config.cluster.times.vacatedGraceMs,
      shards: () => this.#feed.shards().length,
    });
    this.#heldLeaves = new HeldLeaves(this.#config.cluster.times.movedLeaveHoldMs, ({ kind, body }) =>
      this.#feed.tell({ kind, body }),
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
    const registration = this.#feed.register(shard, listening);
    if (registration !== null) this.#occupancy.entered();
    return registration;
  }

  /** A shard has had no listeners for a while. Answers whether it is registered all the same. */
  async settle(shardName: string): Promise<boolean> {
    this.#wake();
    const registered = await this.#feed.probe(shardName);
    if (!registered) this.#occupancy.settle();
    return registered;
  }

  /** Answers when the publication is durable. Repeating a call with the same `id` publishes nothing new. */
  publish(publication: PublishOrder): PublishResult {
    this.#wake();
    return this.#feed.publish(publication);
  }

  view(after: number): LogView {
    this.#wake();
    return this.#feed.view(after);
  }

  history(query: HistoryQuery): HistoryResult {
    this.#wake();
    return this.#feed.history(query);
  }

  removeHistory(): void {
    this.#wake();
    this.#feed.removeHistory();
  }

  /** Joins and leaves, at most once each. */
  announce(events: readonly PresenceEvent[]): void {
    this.#wake();
    for (const event of events) {
      if (this.#heldLeaves.pass(event)) this.#feed.tell({ kind: event.kind, body: event.body });
    }
  }

  /** Who listens through any shard but `except`. Rejects if a shard does not answer: a part would be a lie. */
  async presence(except: string): Promise<Present[]> {
    this.#wake();
    const others = this.#feed.shards().filter(({ name }) => name !== except);
    const parts = await Promise.all(
      others.map((shard) =>
        callAgain(() => within(PRESENCE_WAIT_MS, shardStub(this.env, shard).presenceHere(this.#name))),
      ),
    );
    return parts.flat();
  }

  override async alarm(): Promise<void> {
    this.#wake();
    await this.#timetable.run(Date.now(), async (duty) => {
      if (duty === "events") return this.#events.run(Date.now());
      if (duty === "vacant") return this.#occupancy.run(Date.now());
      return this.#feed.run(duty);
    });
  }

  /** Dies as a crash would have it. For development only. */
  crash(): void {
    this.ctx.abort("crashed by the operator");
  }

  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#feed.wake();
  }
}
