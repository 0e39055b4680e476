import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COSTS, WORK_BUDGET } from "../../../src/elastic/costs.ts";
import { Meter } from "../../../src/elastic/meter.ts";

const LIMITS = { sockets: 1_000, upgradesPerSecond: 400, queuedBytes: 1_000_000 };
const NO_WORK = { upgrade: 0, frame: 0, delivery: 0, kilobyte: 0 };
const counted = (work: Partial<typeof NO_WORK> = {}) => ({
  work: { ...NO_WORK, ...work },
  sockets: 0,
  queuedBytes: 0,
});

describe("[EL8] a shard's load is counted and weighed, and no clock measures it", () => {
  test("sockets and queued bytes are parts of their limits", () => {
    const parts = new Meter(LIMITS, 0).read(0, { ...counted(), sockets: 810, queuedBytes: 250_000 });
    expect(parts).toEqual({ sockets: 0.81, upgrades: 0, work: 0, queued: 0.25 });
  });

  test("a steady rate is told as itself, however often the meter is read", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 200, maxLength: 300 }),
        (perSecond, pauses) => {
          const meter = new Meter(LIMITS, 0);
          let now = 0;
          let upgrade = 0;
          for (const seconds of pauses) {
            upgrade += perSecond * seconds;
            now += seconds * 1_000;
            meter.read(now, counted({ upgrade }));
          }
          const { upgrades, work } = meter.read(now, counted({ upgrade }));
          expect(upgrades).toBeCloseTo(perSecond / 400, 1);
          expect(work).toBeCloseTo((perSecond * COSTS.upgrade) / 1_000 / WORK_BUDGET, 1);
        },
      ),
      { numRuns: 20 },
    );
  });

  test("[EL72] large deliveries are more work than small ones", () => {
    const load = (kilobyte: number): number => {
      const meter = new Meter(LIMITS, 0);
      return meter.read(60_000, counted({ delivery: 600_000, kilobyte })).work;
    };
    expect(load(6_000_000)).toBeGreaterThan(4 * load(0));
    expect(load(0)).toBeGreaterThan(0);
  });

  test("all clients of a shard that come back within a minute are no load that the ring grows for", () => {
    const meter = new Meter({ ...LIMITS, sockets: 20_000 }, 0);
    expect(meter.read(50_000, counted({ upgrade: 20_000 })).upgrades).toBeLessThan(0.75);
  });

  test("a load that fades is zero after some minutes, and then stays", () => {
    const meter = new Meter(LIMITS, 0);
    const work = counted({ frame: 100_000 });
    meter.read(60_000, work);
    meter.read(600_000, work);
    expect(meter.read(660_000, work)).toEqual({ sockets: 0, upgrades: 0, work: 0, queued: 0 });
  });
});
