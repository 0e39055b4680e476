import { expect, test } from "vitest";
import { buildRing } from "../../../src/ring/build.ts";
import { describe, nameSet, shard } from "./cluster.ts";

const NAME_SETS = 200;

test.each([2, 3, 4, 5, 8, 16, 32, 48, 64])(
  "[RG3] of %i equal shards the busiest has at most 1.20 x its fair share, in 99 of 100 sets of names",
  (count) => {
    const peaks = sharesOf(NAME_SETS, (set) => nameSet(set, count).map((id) => shard(id))).map(
      (shares) => Math.max(...shares.values()) * count,
    );
    expect(quantile(peaks, 0.99)).toBeLessThanOrEqual(1.2);
  },
);

test("[RG3] shares follow the weights: each within a quarter of its due, and within 2 % on average", () => {
  const weights = [8, 16, 32, 64];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const clusters = sharesOf(NAME_SETS, (set) =>
    nameSet(set, weights.length).map((id, index) => shard(id, { weight: weights[index] ?? 1 })),
  );
  for (const [index, weight] of weights.entries()) {
    const parts = clusters.map((shares) => ([...shares.values()][index] ?? 0) / (weight / total));
    expect(quantile(parts, 0.01)).toBeGreaterThan(0.75);
    expect(quantile(parts, 0.99)).toBeLessThan(1.25);
    expect(Math.abs(parts.reduce((sum, part) => sum + part, 0) / parts.length - 1)).toBeLessThan(0.02);
  }
});

test("[RG3] the shares of a region add up to 1 and a draining shard has none", () => {
  const shards = [
    shard("a"),
    shard("b"),
    shard("c", { region: "enam" }),
    shard("d", { region: "enam", state: "draining" }),
  ];
  const share = buildRing(describe(shards)).share();
  expect((share.get("a") ?? 0) + (share.get("b") ?? 0)).toBe(1);
  expect(share.get("c")).toBe(1);
  expect(share.get("d")).toBe(0);
});

function sharesOf(
  sets: number,
  shardsOf: (set: number) => ReturnType<typeof shard>[],
): Map<string, number>[] {
  return Array.from({ length: sets }, (_, set) => buildRing(describe(shardsOf(set))).share());
}

const quantile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(part * values.length)] ?? NaN;
