import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Plant, turns, type Curve, type PlantOptions } from "../../../bench/simulate/plant.ts";
import { HOUR, POLICY } from "./scale-policy.ts";

const plant = (options: Partial<PlantOptions> & { readonly curve: Curve }): Plant =>
  new Plant({
    policy: POLICY,
    sessionsPerShard: 20_000,
    upgradesPerSecond: 400,
    movesToOneShard: 300,
    movesFromOneShard: 100,
    ...options,
  });

describe("[EL4] the policy never flaps", () => {
  test("constant load comes to rest within three decisions", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.double({ min: 0.05, max: 0.98, noNaN: true }),
        (min, times) => {
          const clients = Math.round(times * min * 20_000);
          const one = plant({
            policy: { ...POLICY, min },
            connected: clients,
            curve: () => ({ auto: clients }),
          });
          one.run(6 * HOUR);
          const decided = one.changes.filter(({ decision }) => decision.kind !== "step");
          expect(decided.length, JSON.stringify(one.changes)).toBeLessThanOrEqual(3);
          expect(turns(one.changes)).toBe(0);
        },
      ),
      { numRuns: 15 },
    );
  });

  test("on any curve of load the direction changes at most once for each real change of direction", () => {
    const anyCurve = fc.array(
      fc.record({
        hours: fc.double({ min: 0.1, max: 6, noNaN: true }),
        clients: fc.integer({ min: 0, max: 400_000 }),
      }),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(anyCurve, (points) => {
        const { curve, seconds, turnsOfCurve } = linear(points);
        const one = plant({ curve });
        one.run(seconds + 3 * HOUR);
        expect(turns(one.changes), JSON.stringify(one.changes)).toBeLessThanOrEqual(turnsOfCurve + 1);
        expect(one.shards.length).toBeLessThanOrEqual(POLICY.max);
      }),
      { numRuns: 15 },
    );
  });

  test("load that goes away leaves scale.min shards", () => {
    const one = plant({
      curve: (seconds) => ({ auto: seconds < HOUR ? 120_000 : 0 }),
      policy: { ...POLICY, min: 2 },
    });
    one.run(HOUR);
    expect(one.shards.length).toBeGreaterThan(6);
    one.run(24 * HOUR);
    expect(one.shards.length).toBe(2);
  });
});

describe("[EL5] growth that does not help stops", () => {
  test("after three shards that have not taken load off the fullest one, the policy says so", () => {
    const one = plant({ curve: () => ({ auto: 30_000 }), hotPart: 0.6 });
    one.run(3 * HOUR);
    const { length } = one.changes;
    expect(one.reason).toContain("3 more shards have not helped");
    one.run(10 * HOUR);
    expect(one.changes).toHaveLength(length);
  });
});

describe("[EL6] a new shard takes its part in steps", () => {
  test("each step follows a report of the shard, and the last step gives it its full weight", () => {
    const one = plant({ curve: (seconds) => ({ auto: 10_000 + seconds }) });
    one.run(3 * HOUR);
    const kinds = one.changes.slice(0, 4).map(({ decision }) => decision.kind);
    expect(kinds).toEqual(["add", "step", "step", "step"]);
    expect(one.shards.map(({ weight }) => weight)).toEqual([16, 16]);
  });

  test("a shard that does not report is taken back", () => {
    const one = plant({
      curve: (seconds) => ({ auto: Math.min(16_000, 10_000 + seconds) }),
      answers: (id) => id === "auto-1",
    });
    one.run(3 * HOUR);
    expect(one.changes.slice(0, 2).map(({ decision }) => decision.kind)).toEqual(["add", "back"]);
  });
});

/** A curve of straight lines between points, how long it is, and how often it turns. */
function linear(points: readonly { readonly hours: number; readonly clients: number }[]) {
  const ends = points.reduce<{ at: number; clients: number }[]>(
    (all, { hours, clients }) => [...all, { at: (all.at(-1)?.at ?? 0) + hours * HOUR, clients }],
    [{ at: 0, clients: 0 }],
  );
  const curve: Curve = (seconds) => {
    const n = ends.findIndex(({ at }) => at >= seconds);
    const [from, to] = [ends[n - 1] ?? ends[0], ends[n] ?? ends.at(-1)];
    if (from === undefined || to === undefined || from === to || n < 0)
      return { auto: ends.at(-1)?.clients ?? 0 };
    return { auto: from.clients + ((to.clients - from.clients) * (seconds - from.at)) / (to.at - from.at) };
  };
  const signs = ends
    .slice(1)
    .map(({ clients }, n) => Math.sign(clients - (ends[n]?.clients ?? 0)))
    .filter((sign) => sign !== 0);
  const turnsOfCurve = signs.filter((sign, n) => n > 0 && sign !== signs[n - 1]).length;
  return { curve, seconds: ends.at(-1)?.at ?? 0, turnsOfCurve };
}
