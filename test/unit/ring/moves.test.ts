import fc from "fast-check";
import { expect, test } from "vitest";
import { buildRing } from "../../../src/ring/build.ts";
import { MAX_WEIGHT, type ShardSpec } from "../../../src/ring/descriptor.ts";
import { diff, OTHER_REGIONS } from "../../../src/ring/diff.ts";
import { ringPlacement } from "../../../src/ring/placement.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import { tier } from "../../support/tier.ts";
import { SLOT_COUNT } from "../../../src/ring/table.ts";
import {
  arbitraryCluster,
  arbitraryShard,
  change,
  CLIENT_REGIONS,
  describe,
  ownersOfSlots,
  shard,
} from "./cluster.ts";

const arbitraryBefore = fc
  .oneof(
    arbitraryCluster({ min: 1, max: 8 }),
    arbitraryCluster({ min: 1, max: 100 }),
    arbitraryCluster({ min: 100, max: 1000 }),
  )
  .map((descriptor) => buildRing(descriptor));
const RUNS = { numRuns: tier({ quick: 8, release: 100 }) };

test("[RG2] an added shard takes slots, and no other slot moves", () => {
  fc.assert(
    fc.property(arbitraryBefore, arbitraryShard("added"), (before, added) => {
      const after = change(before, [...before.descriptor.shards, { ...added, state: "active" }]);
      expectOnly({ before, after, to: "added" });
    }),
    RUNS,
  );
});

test("[RG2] a removed shard gives its slots, and no other slot moves", () => {
  fc.assert(
    fc.property(arbitraryBefore, fc.nat(), (before, at) => {
      const chosen = pick(before, at);
      const after = change(
        before,
        before.descriptor.shards.filter((one) => one.id !== chosen.id),
      );
      expectOnly({ before, after, from: chosen.id });
    }),
    RUNS,
  );
});

test("[RG2] a drained shard gives what a removed one gives", () => {
  fc.assert(
    fc.property(arbitraryBefore, fc.nat(), (before, at) => {
      const chosen = pick(before, at);
      const drained = change(before, replaced(before, { ...chosen, state: "draining" }));
      const removed = change(
        before,
        before.descriptor.shards.filter((one) => one.id !== chosen.id),
      );
      expectOnly({ before, after: drained, from: chosen.id });
      expect(diff(drained, removed).moves).toEqual([]);
    }),
    RUNS,
  );
});

test("[RG2] a heavier shard only takes, a lighter one only gives", () => {
  fc.assert(
    fc.property(arbitraryBefore, fc.nat(), fc.integer({ min: 1, max: MAX_WEIGHT }), (before, at, weight) => {
      const chosen = pick(before, at);
      const after = change(before, replaced(before, { ...chosen, weight }));
      expectOnly({ before, after, ...(weight >= chosen.weight ? { to: chosen.id } : { from: chosen.id }) });
    }),
    RUNS,
  );
});

test("[RG2] the difference names every slot that moves and no other", () => {
  fc.assert(
    fc.property(
      arbitraryCluster({ min: 1, max: 12 }),
      arbitraryCluster({ min: 1, max: 12 }),
      (one, other) => {
        const before = buildRing(one);
        const after = buildRing({ ...other, seed: one.seed, epoch: 2 });
        const { moves, regions } = diff(before, after);
        for (const region of regions) {
          const clientRegion = region.region === OTHER_REGIONS ? "elsewhere" : region.region;
          const owners = ownersOfSlots(before, clientRegion);
          const target = ownersOfSlots(after, clientRegion);
          let slots = 0;
          for (const move of moves.filter((any) => any.region === region.region)) {
            let inRanges = 0;
            for (const [first, last] of move.ranges) {
              for (let slot = first; slot <= last; slot++, inRanges++) {
                if (owners[slot] !== (move.from ?? "nobody"))
                  expect.fail(`slot ${slot} was not at ${move.from}`);
                owners[slot] = move.to ?? "nobody";
              }
            }
            expect(inRanges).toBe(move.slots);
            slots += move.slots;
          }
          expect(owners.join()).toBe(target.join());
          expect(region).toEqual({ region: region.region, slots, share: slots / SLOT_COUNT });
        }
      },
    ),
    RUNS,
  );
});

test("[RG2] the difference joins neighbouring slots and keeps the epochs", () => {
  const points = new Map([
    ["a", [0]],
    ["b", [0x0009_0000]],
    ["c", [0x0004_0000]],
  ]);
  const placement = { ...ringPlacement(0), points: (one: ShardSpec) => points.get(one.id) ?? [] };
  const before = buildRing(describe([shard("a"), shard("b")]), placement);
  const after = buildRing(describe([shard("a"), shard("b"), shard("c")], { epoch: 2 }), placement);
  expect(diff(before, after)).toEqual({
    fromEpoch: 1,
    toEpoch: 2,
    regions: [
      { region: "weur", slots: 4, share: 4 / SLOT_COUNT },
      { region: "other", slots: 4, share: 4 / SLOT_COUNT },
    ],
    moves: [
      { region: "weur", from: "b", to: "c", slots: 4, ranges: [[1, 4]] },
      { region: "other", from: "b", to: "c", slots: 4, ranges: [[1, 4]] },
    ],
  });
});

test("[RG2] the first shard of a region takes that region's clients from the default region", () => {
  const before = buildRing(describe([shard("a")]));
  const { regions, moves } = diff(before, change(before, [shard("a"), shard("b", { region: "enam" })]));
  expect(regions.map(({ region, share }) => [region, share])).toEqual([
    ["enam", 1],
    ["weur", 0],
    ["other", 0],
  ]);
  expect(moves).toEqual([
    { region: "enam", from: "a", to: "b", slots: SLOT_COUNT, ranges: [[0, SLOT_COUNT - 1]] },
  ]);
});

test("[RG2] the last shard that leaves gives its slots to no shard", () => {
  const before = buildRing(describe([shard("a")]));
  const { moves } = diff(before, change(before, []));
  expect(moves.map(({ region, from, to, slots }) => [region, from, to, slots])).toEqual([
    ["weur", "a", null, SLOT_COUNT],
    ["other", "a", null, SLOT_COUNT],
  ]);
});

test("[RG2] a shard that changes its region is another object, so all of it moves", () => {
  const before = buildRing(describe([shard("a")]));
  const { moves } = diff(before, change(before, [shard("a", { region: "enam" })]));
  expect(moves.map(({ region, from, to, slots }) => [region, from, to, slots])).toEqual([
    ["enam", "a", "a", SLOT_COUNT],
    ["weur", "a", "a", SLOT_COUNT],
    ["other", "a", "a", SLOT_COUNT],
  ]);
});

test("[RG2] rings of two seeds are not compared", () => {
  expect(() => diff(buildRing(describe([])), buildRing(describe([], { seed: 1 })))).toThrow("seeds");
});

/** Checks slot by slot, without `diff`; then that `diff` says the same. */
function expectOnly({
  before,
  after,
  from,
  to,
}: {
  before: Ring;
  after: Ring;
  from?: string;
  to?: string;
}): void {
  const isGone = !after.descriptor.shards.some((one) => one.id === from && one.state === "active");
  for (const clientRegion of CLIENT_REGIONS) {
    const old = ownersOfSlots(before, clientRegion);
    const now = ownersOfSlots(after, clientRegion);
    for (const [slot, owner] of now.entries()) {
      if (owner === from && isGone) expect.fail(`slot ${slot} of ${clientRegion} is still at ${from}`);
      if (owner === old[slot] || owner === to || old[slot] === from) continue;
      expect.fail(`slot ${slot} of ${clientRegion} moved from ${old[slot]} to ${owner}`);
    }
  }
  for (const move of diff(before, after).moves) {
    if (from !== undefined) expect(move.from).toBe(from);
    if (to !== undefined) expect(move.to).toBe(to);
  }
}

function pick(ring: Ring, at: number): ShardSpec {
  const { shards } = ring.descriptor;
  const chosen = shards[at % shards.length];
  if (chosen === undefined) throw new Error("no shard to pick");
  return chosen;
}

const replaced = (ring: Ring, by: ShardSpec): ShardSpec[] =>
  ring.descriptor.shards.map((one) => (one.id === by.id ? by : one));
