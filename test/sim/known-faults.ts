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
  /** Where a register call of an ended life has come after that, and nothing has ended its registration. */
  readonly #late = new Set<string>();

  /** Whether such faults have left a channel occupied: each of the shards that it has still registered is one of these. */
  excuses(channel: string, shards: readonly string[]): boolean {
    const isExcused = (key: string): boolean => this.#late.has(key) || this.#forgotten.has(key);
    return shards.length > 0 && shards.every((shard) => isExcused(`${shard} ${channel}`));
  }

  /** A call has ended at its object. */
  take(call: EndedCall): void {
    const { name, method, args, callerHasEnded } = call;
    const settled = settledBy(call);
    if (settled !== undefined) {
      // The channel has no registration of the shard any more.
      this.#late.delete(settled);
      this.#forgotten.delete(settled);
      if (isOfBefore(call)) this.#settled.add(settled);
      this.#outdated.delete(settled);
    }
    if (!name.startsWith("CHANNEL ") || method !== "register") return;
    const [shard] = args as [{ readonly name: string }];
    const channel = channelOf(name);
    const key = `${shard.name} ${channel}`;
    if (callerHasEnded) {
      if (this.#settled.has(key)) this.#late.add(key);
      return;
    }
    // The shard knows that it has registered, and settles in its time.
    if (this.#settled.delete(key)) this.#outdated.add(key);
    this.#forgotten.delete(key);
    this.#late.delete(key);
  }

  /** The answer to a call has reached its caller. */
  returned(call: ReturnedCall): void {
    const settled = isOfBefore(call) ? settledBy(call) : undefined;
    if (settled !== undefined && this.#outdated.delete(settled)) this.#forgotten.add(settled);
  }
}

/** The caller is of the release before. */
const isOfBefore = ({ args }: EndedCall): boolean => args.at(-1) === CONTRACT - 1;

/** The shard and the channel of a call after which the channel has no registration of the shard. */
function settledBy({ name, method, args, answer }: EndedCall): string | undefined {
  const isOne = name.startsWith("CHANNEL ") && method === "settle";
  return isOne && answer === false ? `${String(args[0])} ${channelOf(name)}` : undefined;
}

const channelOf = (name: string): string => name.slice("CHANNEL ".length);
