import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildRing } from "../../../../src/ring/build.ts";
import { nextEarlier, type Descriptor } from "../../../../src/ring/descriptor.ts";
import {
  movesHome,
  movesUnderWay,
  planPace,
  stepMoves,
  type Budget,
  type Leaving,
} from "../../../../src/shard/moves/pace.ts";
import { describe as describeRing, shard } from "../../ring/cluster.ts";
import { FIVE, without, withState } from "./five-shards.ts";

const LIMITS = { perSecondToOneShard: 300, perSecondFromOneShard: 100, busyWaitMs: 3_000 };
const TICK_MS = 100;

/** Lets every session go, on a clock of its own; answers which left, and when. */
function run(run: {
  leaving: Leaving<number>[];
  pace: ReadonlyMap<string, number>;
  readyAtMs?: (item: number) => number;
}) {
  let { leaving } = run;
  let budget: Budget = { total: 0, byDestination: new Map() };
  const left: { item: number; destination: string; at: number }[] = [];
  const destinationOf = new Map(leaving.map(({ item, destination }) => [item, destination]));
  for (let at = 0; leaving.length > 0; at += TICK_MS) {
    if (at > 3_600_000) throw new Error(`${leaving.length} are still here after an hour`);
    const step = stepMoves({
      leaving,
      ready: (item) => (run.readyAtMs?.(item) ?? 0) <= at,
      pace: run.pace,
      perSecondFromOneShard: LIMITS.perSecondFromOneShard,
      budget,
      elapsedMs: TICK_MS,
    });
    for (const item of step.now) left.push({ item, destination: destinationOf.get(item) ?? "", at });
    leaving = [...step.later];
    budget = step.budget;
  }
  return left;
}

/** The most that fall into any one second. */
function busiestSecond(times: readonly number[]): number {
  const inWindow = (from: number) => times.filter((at) => at >= from && at < from + 1_000).length;
  return Math.max(0, ...times.map(inWindow));
}

describe("[MV3] closes are paced", () => {
  test("by source and by destination, and every session leaves in the end", () => {
    const destination = fc.constantFrom("a", "b", "c");
    fc.assert(
      fc.property(
        fc.array(destination, { maxLength: 400 }),
        fc.record({
          a: fc.integer({ min: 5, max: 300 }),
          b: fc.integer({ min: 5, max: 300 }),
          c: fc.integer({ min: 5, max: 300 }),
        }),
        (destinations, paces) => {
          const pace = new Map(Object.entries(paces));
          const left = run({ leaving: destinations.map((to, item) => ({ item, destination: to })), pace });
          expect(left.map(({ item }) => item).toSorted((a, b) => a - b)).toEqual(
            destinations.map((_, item) => item),
          );
          // A second's savings, and a second's own.
          expect(busiestSecond(left.map(({ at }) => at))).toBeLessThanOrEqual(
            2 * LIMITS.perSecondFromOneShard,
          );
          for (const [to, perSecond] of pace) {
            const times = left.filter((one) => one.destination === to).map(({ at }) => at);
            expect(busiestSecond(times)).toBeLessThanOrEqual(2 * perSecond);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("a crowd leaves at the source's pace, from the first second on", () => {
    const leaving = Array.from({ length: 1_000 }, (_, item) => ({ item, destination: "a" }));
    const left = run({ leaving, pace: new Map([["a", 300]]) });
    expect(busiestSecond(left.map(({ at }) => at))).toBeLessThanOrEqual(LIMITS.perSecondFromOneShard + 10);
    expect(left.at(-1)?.at).toBeGreaterThan(9_000);
    expect(left.at(-1)?.at).toBeLessThan(11_000);
  });

  test("a session with a frame in work waits, and holds up no other", () => {
    const leaving = Array.from({ length: 10 }, (_, item) => ({ item, destination: "a" }));
    const left = run({ leaving, pace: new Map([["a", 300]]), readyAtMs: (item) => (item === 3 ? 2_000 : 0) });
    expect(left.find(({ item }) => item === 3)?.at).toBe(2_000);
    expect(Math.max(...left.filter(({ item }) => item !== 3).map(({ at }) => at))).toBeLessThan(500);
  });

  test("the sources of one destination share what it can take, by the slots that they give", () => {
    const moves = [
      { from: "a", to: "new", slots: 300 },
      { from: "b", to: "new", slots: 100 },
      { from: "c", to: "other", slots: 500 },
      { from: null, to: "new", slots: 0 },
    ];
    const paceOf = (shard: string) =>
      planPace({ shard, destinations: ["new"], moves, limits: LIMITS }).get("new");
    expect([paceOf("a"), paceOf("b")]).toEqual([225, 75]);
    // Every session leaves in the end, by any division of the slots.
    expect(paceOf("c")).toBeGreaterThan(0);
  });
});

test("[EL71] the shards of the region that has taken guests share what each shard at their home can take", () => {
  const ids = Array.from({ length: 40 }, (_, n) => `weur-${n}`);
  const shards = [...ids.map((id) => shard(id)), shard("enam-1", { region: "enam" })];
  const moves = movesHome(buildRing(describeRing(shards)), new Set(["enam-1"]));
  const paces = ids.map(
    (id) => planPace({ shard: id, destinations: ["enam-1"], moves, limits: LIMITS }).get("enam-1") ?? 0,
  );
  expect(paces.reduce((sum, pace) => sum + pace, 0)).toBeCloseTo(LIMITS.perSecondToOneShard, 0);
});

describe("[MV3] a pace holds to the session", () => {
  const crowd = (count: number, destination = "a"): Leaving<number>[] =>
    Array.from({ length: count }, (_, item) => ({ item, destination }));

  /** How many leave in each of these steps, which are so many ms apart. */
  function leavingIn(elapsed: readonly number[], paces: { from: number; to: number }): number[] {
    let leaving = crowd(1_000);
    let budget: Budget = { total: 0, byDestination: new Map() };
    return elapsed.map((elapsedMs) => {
      const step = stepMoves({
        leaving,
        ready: () => true,
        pace: new Map([["a", paces.to]]),
        perSecondFromOneShard: paces.from,
        budget,
        elapsedMs,
      });
      leaving = step.later;
      budget = step.budget;
      return step.now.length;
    });
  }

  test("a long pause saves up one second of the destination's, and each second after brings as much", () => {
    expect(leavingIn([60_000, 1_000, 500, 500], { from: 100, to: 20 })).toEqual([20, 20, 10, 10]);
  });

  test("a long pause saves up one second of the source's, over all its destinations", () => {
    expect(leavingIn([60_000, 1_000, 500, 500], { from: 20, to: 100 })).toEqual([20, 20, 10, 10]);
  });

  test("no session leaves on a part of its budget; the parts add up", () => {
    expect(leavingIn([125, 125, 125, 125], { from: 4, to: 300 })).toEqual([0, 1, 0, 1]);
    expect(leavingIn([125, 125, 125, 125], { from: 100, to: 4 })).toEqual([0, 1, 0, 1]);
  });

  test("a pace of less than one a second lets one leave when its time has come", () => {
    expect(leavingIn([1_000, 1_000, 1_000, 1_000], { from: 100, to: 0.5 })).toEqual([0, 1, 0, 1]);
  });

  test("a destination without a pace gets no session", () => {
    const step = stepMoves({
      leaving: [...crowd(3, "unknown"), ...crowd(3)],
      ready: () => true,
      pace: new Map([["a", 300]]),
      perSecondFromOneShard: 100,
      budget: { total: 0, byDestination: new Map() },
      elapsedMs: 1_000,
    });
    expect(step.now).toEqual([0, 1, 2]);
    expect(step.later).toEqual(crowd(3, "unknown"));
  });

  test("over all sources a destination gets no more than it takes, and a trickle for each straggler", () => {
    const trickle = 5;
    const shards = ["a", "b", "c", "d", "e"];
    const move = fc.record({
      from: fc.constantFrom(...shards, null),
      to: fc.constantFrom(...shards, null),
      slots: fc.nat({ max: 10_000 }),
    });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 20 }), (moves) => {
        for (const to of shards) {
          const paces = shards.map(
            (shard) => planPace({ shard, destinations: [to], moves, limits: LIMITS }).get(to) ?? 0,
          );
          expect(Math.min(...paces)).toBeGreaterThanOrEqual(trickle);
          const shares = paces.filter((pace) => pace > trickle).reduce((sum, pace) => sum + pace, 0);
          expect(shares).toBeLessThanOrEqual(LIMITS.perSecondToOneShard + 1e-6);
        }
      }),
    );
  });
});

describe("[MV3] a second change of the ring while sessions move", () => {
  /** The next epoch of a ring, whose moves are under way unless `settled`. */
  const next = (present: Descriptor, shards: Descriptor["shards"], settled = false): Descriptor => ({
    ...present,
    epoch: present.epoch + 1,
    shards,
    earlier: nextEarlier(present, { settled }),
  });
  const draining = withState(FIVE, "a", "draining").descriptor;
  const destinations = ["b", "c", "d"];
  const paceOf = (descriptor: Descriptor, shard: string) =>
    planPace({
      shard,
      destinations,
      moves: movesUnderWay(buildRing(descriptor), undefined),
      limits: LIMITS,
    });

  test("does not slow the first one, and no destination gets more than it takes", () => {
    const drain = next(FIVE.descriptor, draining.shards, true);
    const second = next(drain, without(buildRing(drain), "e").descriptor.shards);
    const paces = ["a", "b", "c", "d", "e"].map((shard) => paceOf(second, shard));
    for (const destination of destinations) {
      // Only the sources that give slots have a part.
      const [drained = 0, removed = 0] = [paces[0]?.get(destination), paces[4]?.get(destination)];
      expect(drained).toBeGreaterThan(30);
      expect(removed).toBeGreaterThan(30);
      expect(drained + removed).toBeLessThanOrEqual(LIMITS.perSecondToOneShard + 1e-6);
    }
  });

  test("counts no change whose moves are done", () => {
    const drain = next(FIVE.descriptor, draining.shards, true);
    const second = next(drain, without(buildRing(drain), "e").descriptor.shards, true);
    expect(second.earlier?.map(({ epoch }) => epoch)).toEqual([drain.epoch]);
    expect(paceOf(second, "a").get("b")).toBe(5);
    expect(paceOf(second, "e").get("b")).toBeCloseTo(LIMITS.perSecondToOneShard);
  });

  test("keeps a bounded number of earlier rings, and none that another coordinator has copied", () => {
    let descriptor = FIVE.descriptor;
    for (let n = 0; n < 20; n++) descriptor = next(descriptor, descriptor.shards);
    expect(descriptor.earlier?.map(({ epoch }) => descriptor.epoch - epoch)).toEqual([1, 2, 3, 4]);
    expect(descriptor.earlier?.some((one) => "earlier" in one)).toBe(false);
    expect(buildRing({ ...descriptor, epoch: descriptor.epoch + 1 }).earlier).toEqual([]);
  });
});
