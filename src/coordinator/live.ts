import { sayLive } from "../platform/live-channel.ts";
import type { ShardRef } from "../platform/stubs.ts";
import type { LiveEvent } from "../contracts/live.ts";
import { askAll } from "../fanout/ask-all.ts";

const WATCH_MS = 2_000;

/** The coordinator's part in the live feed: who is to speak, and what only the coordinator knows (SPEC OP2). */
export class Live {
  readonly #ctx: DurableObjectState;
  readonly #env: Cloudflare.Env;
  readonly #shards: () => readonly ShardRef[];

  constructor(parts: { ctx: DurableObjectState; env: Cloudflare.Env; shards: () => readonly ShardRef[] }) {
    this.#ctx = parts.ctx;
    this.#env = parts.env;
    this.#shards = parts.shards;
  }

  /** Somebody watches until then. A shard that does not hear of it is silent, and the page says so. */
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
      ask: (stub): Promise<void> => stub.watch(until),
    });
  }

  say(event: LiveEvent): void {
    if (this.#until > Date.now()) this.#ctx.waitUntil(sayLive(this.#env, event));
  }

  get #until(): number {
    return this.#ctx.storage.kv.get<number>("watchedUntil") ?? 0;
  }
}
