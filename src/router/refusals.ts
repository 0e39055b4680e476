import type { CodeCount } from "../contracts/live.ts";

/** A router tells no more often what it has refused. */
const TELL_EVERY_MS = 5_000;
/** Who tries addresses at random gets this, and operators do not ask for it. */
const UNCOUNTED = "notFound";

/**
 * The requests that this isolate has refused itself, by code, until it tells them (SPEC OP25): a shard along with an upgrade
 * that it gets anyway, or the live feed when an operator's page renews its watch. So a flood of bad requests costs no call.
 *
 * The codes are the router's own, and few.
 */
export class Refusals {
  readonly #counts = new Map<string, number>();
  #toldAt = Number.NEGATIVE_INFINITY;
  /** There is something to tell. A field, so that an upgrade with nothing to tell asks no more than this. */
  hasNews = false;

  note(code: string, count = 1): void {
    if (code === UNCOUNTED) return;
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + count);
    this.hasNews = true;
  }

  /** What was not told yet, if any, at most once in five seconds. It counts as told from now on. */
  take(now: number): readonly CodeCount[] | undefined {
    if (!this.hasNews || now < this.#toldAt + TELL_EVERY_MS) return undefined;
    this.#toldAt = now;
    const codes = [...this.#counts].map(([code, count]) => ({ kind: "refusal" as const, code, count }));
    this.#counts.clear();
    this.hasNews = false;
    return codes;
  }

  /** The call that was to tell them has failed. */
  putBack(codes: readonly CodeCount[] | undefined): void {
    for (const { code, count } of codes ?? []) this.note(code, count);
  }
}

const ofClusters = new WeakMap<object, Refusals>();

/** Those of the cluster that an `env` is of. */
export function refusalsOf(env: object): Refusals {
  let refusals = ofClusters.get(env);
  if (refusals === undefined) {
    refusals = new Refusals();
    ofClusters.set(env, refusals);
  }
  return refusals;
}
