import HashRing from "hashring";
import { buildRing } from "../../src/ring/build.ts";
import type { Descriptor } from "../../src/ring/descriptor.ts";
import { diff } from "../../src/ring/diff.ts";
import { median } from "../lib/stats.ts";
import type { Case, Metrics } from "./case.ts";

const REGION = "auto";

function descriptorOf(shards: number): Descriptor {
  return {
    epoch: 1,
    seed: 0,
    defaultRegion: REGION,
    shards: Array.from({ length: shards }, (_, n) => ({
      id: `auto-${n + 1}`,
      region: REGION,
      weight: 16,
      state: "active",
    })),
  };
}

function timed(times: number, work: (n: number) => void): number {
  const took = Array.from({ length: times }, (_, n) => {
    const startedAt = performance.now();
    work(n);
    return performance.now() - startedAt;
  });
  return median(took);
}

const WARM_UP = 20_000;

/** Looks up each key once, so that a cache cannot answer. */
function lookupsPerSecond(count: number, from: number, look: (key: string) => unknown): number {
  const keys = Array.from({ length: count }, (_, n) => `user-${from + n}`);
  for (let n = 0; n < WARM_UP; n++) look(`warm-${n}`);
  const startedAt = performance.now();
  for (const key of keys) look(key);
  return (count / (performance.now() - startedAt)) * 1_000;
}

let keysUsed = 0;

function measureRingcast(shards: number, lookups: number): Metrics {
  const build = timed(9, () => buildRing(descriptorOf(shards)).table(REGION));
  const ring = buildRing(descriptorOf(shards));
  const after = buildRing(descriptorOf(shards + 1));
  // This first call builds both tables.
  diff(ring, after);
  const diffMs = timed(15, () => diff(ring, after));
  keysUsed += lookups;
  const rate = lookupsPerSecond(lookups, keysUsed, (key) => ring.owner(key, REGION));
  return { "lookups/s": rate, "build ms": build, "diff ms": diffMs };
}

function measureHashring(shards: number, lookups: number): Metrics {
  const names = descriptorOf(shards).shards.map(({ id }) => id);
  const make = () => new HashRing(names, "md5", { "max cache size": 1 });
  const build = timed(shards > 500 ? 3 : 5, make);
  const ring = make();
  keysUsed += lookups;
  return { "lookups/s": lookupsPerSecond(lookups, keysUsed, (key) => ring.get(key)), "build ms": build };
}

/** Runs in this process, because the ring is plain code. */
export const ring: Case = {
  about: "the ring against npm hashring: lookups of new keys, build, and what one more shard moves",
  rounds: 5,
  async round(options) {
    const lookups = options.quick ? 20_000 : 100_000;
    return {
      "hashring, 100 shards": measureHashring(100, lookups),
      "Ringcast, 100 shards": measureRingcast(100, lookups),
      "Ringcast, 256 shards": measureRingcast(256, lookups),
      "hashring, 1,000 shards": measureHashring(1_000, lookups),
      "Ringcast, 1,000 shards": measureRingcast(1_000, lookups),
    };
  },
};
