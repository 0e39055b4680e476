import type { ShardRef } from "../platform/stubs.ts";

/** What became of a broadcast at one shard. `pending`: not delivered yet, and it still will be. */
export type ShardOutcome = {
  readonly name: string;
  readonly ok: boolean;
  readonly delivered: number;
  readonly ms: number;
  readonly pending: boolean;
};

type Watch = {
  readonly offset: number;
  readonly startedAt: number;
  readonly outcomes: Map<string, ShardOutcome>;
  readonly missing: Set<string>;
  readonly done: () => void;
};

/** Broadcasts whose callers want to know what became of them at each shard. */
export class Broadcasts {
  readonly #watches = new Set<Watch>();

  /** Waits until every shard has said what it did with a publication, or `waitMs`. One that leaves is not waited for. */
  async watch(
    what: { readonly offset: number; readonly shards: readonly ShardRef[]; readonly waitMs: number },
    stillThere: () => ReadonlySet<string>,
  ): Promise<ShardOutcome[]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch: Watch = {
      offset: what.offset,
      startedAt: Date.now(),
      outcomes: new Map(),
      missing: new Set(what.shards.map(({ name }) => name)),
      done: resolve,
    };
    this.#watches.add(watch);
    const timer = setTimeout(resolve, what.waitMs);
    if (watch.missing.size > 0) await promise;
    clearTimeout(timer);
    this.#watches.delete(watch);
    const there = stillThere();
    const pending = [...watch.missing]
      .filter((name) => there.has(name))
      .map((name) => ({ name, ok: false, delivered: 0, ms: Date.now() - watch.startedAt, pending: true }));
    return [...watch.outcomes.values(), ...pending];
  }

  /** A shard has left the cluster. */
  left(name: string): void {
    for (const watch of this.#watches)
      if (watch.missing.delete(name) && watch.missing.size === 0) watch.done();
  }

  /** A shard has given everything up to an offset to so many sessions. */
  heard({ name }: ShardRef, offset: number, sessions: number): void {
    for (const watch of this.#watches) {
      if (offset < watch.offset || !watch.missing.delete(name)) continue;
      const ms = Date.now() - watch.startedAt;
      watch.outcomes.set(name, { name, ok: true, delivered: sessions, ms, pending: false });
      if (watch.missing.size === 0) watch.done();
    }
  }
}
