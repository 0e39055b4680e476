import { describe, expect, test } from "vitest";
import { binOwners } from "../../../src/console/model/arcs.ts";
import { SESSION_BAND, SHARE_BAND, shardAt, slotBand } from "../../../src/console/model/ring-layout.ts";
import { buildRing } from "../../../src/ring/build.ts";

const ring = buildRing({
  epoch: 1,
  seed: 0,
  defaultRegion: "auto",
  shards: ["a", "b"].map((id) => ({ id, region: "auto", weight: 16, state: "active" as const })),
});

const shards = [
  { id: "a", region: "auto", share: 0.5, sessions: 3 },
  { id: "b", region: "auto", share: 0.5, sessions: 1 },
];

/** The shard at a radius, a part of a turn clockwise from the top. */
function at(radius: number, turn: number): string | undefined {
  const angle = turn * Math.PI * 2 - Math.PI / 2;
  const point = { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
  return shardAt(point, { ring, regions: ["auto"], shards });
}

describe("the shard under a point", () => {
  test("is the slot's owner in the band of slots", () => {
    const { inner, outer } = slotBand(0, 1);
    const owners = binOwners(ring, "auto", 360);
    for (const degree of [0, 90, 200])
      expect(at((inner + outer) / 2, (degree + 0.5) / 360)).toBe(owners[degree]);
  });

  test("follows the shares in the middle band, and the sessions in the inner band", () => {
    const [shareRadius, sessionRadius] = [SHARE_BAND, SESSION_BAND].map(
      ({ inner, outer }) => (inner + outer) / 2,
    );
    expect([0.45, 0.6].map((turn) => at(shareRadius ?? 0, turn))).toEqual(["a", "b"]);
    expect([0.6, 0.8].map((turn) => at(sessionRadius ?? 0, turn))).toEqual(["a", "b"]);
  });

  test("is undefined outside of the bands", () => {
    expect([0, 155, 209].map((radius) => at(radius, 0.3))).toEqual([undefined, undefined, undefined]);
  });
});

test("the bands of several regions do not overlap", () => {
  const bands = [0, 1, 2].map((index) => slotBand(index, 3));
  expect(bands.every(({ inner, outer }) => inner < outer)).toBe(true);
  expect(bands[0]?.inner).toBeGreaterThan(bands[1]?.outer ?? 0);
  expect(bands[1]?.inner).toBeGreaterThan(bands[2]?.outer ?? 0);
});
