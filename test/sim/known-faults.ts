import { CONTRACT } from "../../src/contracts/version.ts";
import type { EndedCall, ReturnedCall } from "./network.ts";

/**
 * Two known faults of shards of release 0.2.0 leave a channel occupied for ever. The present release has neither (SPEC
 * BD12).
 *
 * After a crash such a shard settles a channel once, and forgets it: a register call of the life before that comes
 * later is never settled. And it forgets a channel by an answer to `settle` that is older than its registration, where
 * the listener has left again when the answer comes.
 */
export class KnownFaults {
  /** The channels that such shards have settled, by shard and channel. */
  readonly #settled = new Set<string>();
  /** Where an answer to `settle` may be on its way, and the shard has registered since. */
  readonly #outdated = new Set<string>();
  /** Where such an answer has come, and the shard has not registered since. */
  readonly #forgotten = new Set<string>();
  readonly #channels = new Set<string>();

  /** Whether such a fault has left a channel occupied. */
  has(channel: string): boolean {
    return (
      this.#channels.has(channel) ||
      [...this.#forgotten].some((key) => key.slice(key.indexOf(" ") + 1) === channel)
    );
  }

  /** A call has ended at its object. */
  take(call: EndedCall): void {
    const { name, method, args, callerHasEnded } = call;
    const settled = settledBefore(call);
    if (settled !== undefined) {
      this.#settled.add(settled);
      this.#outdated.delete(settled);
    }
    if (!name.startsWith("CHANNEL ") || method !== "register") return;
    const [shard] = args as [{ readonly name: string }];
    const channel = channelOf(name);
    const key = `${shard.name} ${channel}`;
    if (callerHasEnded) {
      if (this.#settled.has(key)) this.#channels.add(channel);
      return;
    }
    // The shard knows that it has registered, and settles in its time.
    if (this.#settled.delete(key)) this.#outdated.add(key);
    this.#forgotten.delete(key);
  }

  /** The answer to a call has reached its caller. */
  returned(call: ReturnedCall): void {
    const settled = settledBefore(call);
    if (settled !== undefined && this.#outdated.delete(settled)) this.#forgotten.add(settled);
  }
}

/** The channel that a call of a shard of the release before has settled. */
function settledBefore({ name, method, args, answer }: EndedCall): string | undefined {
  const isOne = name.startsWith("CHANNEL ") && method === "settle" && args.at(-1) === CONTRACT - 1;
  return isOne && answer === false ? `${String(args[0])} ${channelOf(name)}` : undefined;
}

const channelOf = (name: string): string => name.slice("CHANNEL ".length);
