import type { FailedCalls } from "../contracts/scale.ts";
import { isOverloaded } from "./calls.ts";

/** A caller tells no more often what it has seen. */
const TELL_EVERY_MS = 5_000;
/** A caller remembers so many shards. Trouble at more of them is no news of one. */
const SHARDS_KEPT = 64;

/** The calls to shards that one caller has seen fail, until it tells them (SPEC EL61). */
export class Failures {
  readonly #counts = new Map<string, { overloaded: number; silent: number }>();
  /** There is something to tell. A field, so that a call with nothing to tell asks no more than this. */
  hasNews = false;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** A call to a shard has thrown. */
  note({ id }: { readonly id: string }, error: unknown): void {
    const overloaded = isOverloaded(error);
    this.add([{ shard: id, overloaded: overloaded ? 1 : 0, silent: overloaded ? 0 : 1 }]);
  }

  /** Takes what another caller has seen. */
  add(failed: readonly FailedCalls[]): void {
    this.hasNews ||= failed.length > 0;
    for (const { shard, overloaded, silent } of failed) {
      const counts = this.#counts.get(shard);
      if (counts === undefined && this.#counts.size >= SHARDS_KEPT) continue;
      this.#counts.set(shard, {
        overloaded: (counts?.overloaded ?? 0) + overloaded,
        silent: (counts?.silent ?? 0) + silent,
      });
    }
  }

  /** The failures that were seen and not told yet, if any. They count as told from now on. */
  drain(): readonly FailedCalls[] | undefined {
    if (this.#counts.size === 0) return undefined;
    const failed = [...this.#counts].map(([shard, counts]) => ({ shard, ...counts }));
    this.#counts.clear();
    this.hasNews = false;
    return failed;
  }

  /** The same, at most once in five seconds: for a call that is made anyway. */
  take(now: number): readonly FailedCalls[] | undefined {
    if (now < this.#toldAt + TELL_EVERY_MS) return undefined;
    this.#toldAt = now;
    return this.drain();
  }

  /** The call that was to tell it has failed, and the next one tells it. */
  putBack(failed: readonly FailedCalls[] | undefined): void {
    if (failed === undefined) return;
    this.#toldAt = Number.NEGATIVE_INFINITY;
    this.add(failed);
  }
}
