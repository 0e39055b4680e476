import type { FailedCalls } from "../contracts/scale.ts";
import type { CallersView } from "../elastic/policy.ts";

/**
 * The failed calls to each shard of the ring that callers have lately seen (SPEC EL61). They are in memory alone: a
 * shard that still fails after a sleep is seen again.
 */
export class Callers {
  readonly #keptMs: number;
  readonly #views = new Map<string, CallersView>();

  /** `keptMs`: how long a failed call says something of its shard. */
  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  /** Takes what a shard has reported, of the shards that are in the ring. */
  heard(
    failed: readonly FailedCalls[],
    { ids, now }: { readonly ids: readonly string[]; readonly now: number },
  ): void {
    for (const id of this.#views.keys()) if (!ids.includes(id)) this.#views.delete(id);
    for (const { shard, overloaded, silent } of failed) {
      if (!ids.includes(shard)) continue;
      const before = this.of(shard, now);
      this.#views.set(shard, {
        overloaded: (before?.overloaded ?? 0) + overloaded,
        silent: (before?.silent ?? 0) + silent,
        until: now + this.#keptMs,
      });
    }
  }

  /** Undefined where no call has failed lately. */
  of(id: string, now: number): CallersView | undefined {
    const view = this.#views.get(id);
    return view === undefined || view.until <= now ? undefined : view;
  }
}
