import { CONTRACT } from "../../src/contracts/version.ts";
import type { EndedCall } from "./world.ts";

/**
 * A known fault of release 0.2.0: after a crash it settles a channel once, and forgets it. A register call of the life
 * before that comes later leaves the channel occupied for ever. The present release settles it again (SPEC BD12).
 */
export class LateRegisters {
  /** What shards of the release before have settled, by shard and channel. */
  readonly #settled = new Set<string>();
  readonly #channels = new Set<string>();

  /** Whether such a call has left a channel occupied. */
  has(channel: string): boolean {
    return this.#channels.has(channel);
  }

  take({ name, method, args, answer, callerHasEnded }: EndedCall): void {
    if (!name.startsWith("CHANNEL ")) return;
    const channel = name.slice("CHANNEL ".length);
    if (method === "settle" && args.at(-1) === CONTRACT - 1 && answer === false)
      this.#settled.add(`${String(args[0])} ${channel}`);
    if (method !== "register") return;
    const [shard] = args as [{ readonly name: string }];
    const key = `${shard.name} ${channel}`;
    if (callerHasEnded && this.#settled.has(key)) this.#channels.add(channel);
    // The shard knows that it has registered, and settles in its time.
    if (!callerHasEnded) this.#settled.delete(key);
  }
}
