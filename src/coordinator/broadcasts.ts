import { addressKey, type ShardAddress } from "../contracts/address.ts";
import type { ShardOutcome } from "../contracts/coordinator.ts";
import type { ChannelLog } from "../log/channel-log.ts";

type Watch = {
  readonly offset: number;
  readonly startedAt: number;
  readonly outcomes: ShardOutcome[];
  /** By the key of the address. */
  readonly missing: Map<string, ShardAddress>;
  readonly done: () => void;
};

/** The broadcasts whose callers want to know what became of them at each shard. */
export class Broadcasts {
  readonly #watches = new Set<Watch>();

  /**
   * Waits until every shard has said what it did with a publication, or `waitMs`. A shard that leaves meanwhile is not
   * waited for; `isMember` tells by the key of an address.
   */
  async watch(
    publication: {
      readonly offset: number;
      readonly shards: readonly ShardAddress[];
      readonly waitMs: number;
    },
    isMember: (key: string) => boolean,
  ): Promise<ShardOutcome[]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch: Watch = {
      offset: publication.offset,
      startedAt: Date.now(),
      outcomes: [],
      missing: new Map(publication.shards.map((shard) => [addressKey(shard), shard])),
      done: resolve,
    };
    this.#watches.add(watch);
    const timer = setTimeout(resolve, publication.waitMs);
    if (watch.missing.size > 0) await promise;
    clearTimeout(timer);
    this.#watches.delete(watch);
    const ms = Date.now() - watch.startedAt;
    const pending = [...watch.missing]
      .filter(([key]) => isMember(key))
      .map(([, { name }]) => ({ name, ok: false, delivered: 0, ms, pending: true }));
    return [...watch.outcomes, ...pending];
  }

  /** Nothing is kept of the broadcast channel for a shard that has left and is empty. `holders`: keys of addresses. */
  forgetLeft(log: Pick<ChannelLog, "shards" | "forget">, holders: ReadonlySet<string>): void {
    for (const shard of log.shards()) {
      if (holders.has(addressKey(shard))) continue;
      log.forget(shard);
      this.#left(shard);
    }
  }

  #left(shard: ShardAddress): void {
    for (const watch of this.#watches)
      if (watch.missing.delete(addressKey(shard)) && watch.missing.size === 0) watch.done();
  }

  /** A shard has given every publication up to an offset to so many sessions. */
  heard(shard: ShardAddress, offset: number, sessions: number): void {
    for (const watch of this.#watches) {
      if (offset < watch.offset || !watch.missing.delete(addressKey(shard))) continue;
      const ms = Date.now() - watch.startedAt;
      watch.outcomes.push({ name: shard.name, ok: true, delivered: sessions, ms, pending: false });
      if (watch.missing.size === 0) watch.done();
    }
  }
}
