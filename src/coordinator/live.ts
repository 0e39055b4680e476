import type { ShardAddress } from "../contracts/address.ts";
import type { LiveEvent } from "../contracts/live.ts";
import { CONTRACT } from "../contracts/version.ts";
import { askAll } from "../fanout/ask-all.ts";
import { publishLive } from "../platform/live-channel.ts";

const WATCH_MS = 2_000;

/** The coordinator's part in the live feed: it tells the shards to speak, and speaks of epochs (SPEC OP2). */
export class Live {
  readonly #ctx: DurableObjectState;
  readonly #env: RingcastEnv;
  readonly #shards: () => readonly ShardAddress[];

  constructor(parts: { ctx: DurableObjectState; env: RingcastEnv; shards: () => readonly ShardAddress[] }) {
    this.#ctx = parts.ctx;
    this.#env = parts.env;
    this.#shards = parts.shards;
  }

  /** An operator watches until then. A shard that does not hear of it is silent, and the page says so. */
  async watch(until: number): Promise<void> {
    if (until > this.#until) this.#ctx.storage.kv.put("watchedUntil", until);
    await this.pass();
  }

  /** Tells every shard, also those that have just joined. */
  async pass(): Promise<void> {
    const until = this.#until;
    if (until <= Date.now()) return;
    await askAll(this.#env, this.#shards(), {
      waitMs: WATCH_MS,
      ask: (stub) => stub.watch(until, CONTRACT),
    });
  }

  get isWatched(): boolean {
    return this.#until > Date.now();
  }

  say(event: LiveEvent): void {
    if (this.isWatched) this.#ctx.waitUntil(publishLive(this.#env, event));
  }

  get #until(): number {
    return this.#ctx.storage.kv.get<number>("watchedUntil") ?? 0;
  }
}
