import { describe, expect, test } from "vitest";
import {
  angleOfSlot,
  arcsOf,
  binOwners,
  BINS,
  movedBins,
  sectorPath,
  wedges,
} from "../../../src/console/model/arcs.ts";
import { buildRing } from "../../../src/ring/build.ts";
import { diff } from "../../../src/ring/diff.ts";
import { SLOT_COUNT } from "../../../src/ring/table.ts";

const ringOf = (...ids: string[]) =>
  buildRing({
    epoch: 1,
    seed: 0,
    defaultRegion: "auto",
    shards: ids.map((id) => ({ id, region: "auto", weight: 16, state: "active" as const })),
  });

const TURN = Math.PI * 2;

describe("the bins of a ring", () => {
  test("are the table itself where each slot has a bin", () => {
    const ring = ringOf("a", "b", "c");
    const table = ring.table("auto") ?? new Uint16Array();
    expect(binOwners(ring, "auto", SLOT_COUNT)).toEqual(
      [...table].map((index) => ring.descriptor.shards[index]?.id),
    );
  });

  test("give each shard about its share", () => {
    const ring = ringOf("a", "b", "c", "d", "e");
    const owners = binOwners(ring, "auto");
    expect(owners).toHaveLength(BINS);
    for (const [id, share] of ring.share()) {
      const drawn = owners.filter((owner) => owner === id).length / BINS;
      expect(Math.abs(drawn - share)).toBeLessThan(0.03);
    }
  });

  test("move with the slots that `diff` names, where each slot has a bin", () => {
    const [before, after] = [ringOf("a", "b"), ringOf("a", "b", "c")];
    const moved = movedBins(binOwners(before, "auto", SLOT_COUNT), binOwners(after, "auto", SLOT_COUNT));
    const slots = diff(before, after).regions.find(({ region }) => region === "auto")?.slots;
    expect(moved.size).toBe(slots);
    expect(slots).toBeGreaterThan(0);
  });

  test("do not move between two shards that have not changed", () => {
    const [before, after] = [ringOf("a", "b", "c"), ringOf("a", "b", "c", "d")].map((ring) =>
      binOwners(ring, "auto"),
    );
    const moved = movedBins(before ?? [], after ?? []);
    expect(new Set([...moved].map((bin) => after?.[bin]))).toEqual(new Set(["d"]));
  });

  test("are empty for a region without a shard", () => {
    expect(binOwners(ringOf("a"), "weur")).toEqual([]);
  });
});

describe("arcs", () => {
  test("are runs of one owner, and cover the circle", () => {
    const arcs = arcsOf(["a", "a", "b", "a"]);
    expect(arcs.map(({ shard }) => shard)).toEqual(["a", "b", "a"]);
    expect(arcs[0]?.from).toBeCloseTo(-Math.PI / 2);
    expect(arcs.reduce((sum, { from, to }) => sum + to - from, 0)).toBeCloseTo(TURN);
  });

  test("leave out the bins that `keep` rejects", () => {
    expect(arcsOf(["a", "a", "a"], (bin) => bin !== 1).map(({ shard }) => shard)).toEqual(["a", "a"]);
  });

  test("begin at the top and run clockwise, as the angle of a slot does", () => {
    expect(angleOfSlot(0)).toBeCloseTo(-Math.PI / 2);
    expect(angleOfSlot(SLOT_COUNT / 4)).toBeCloseTo(0);
  });
});

describe("wedges", () => {
  test("are as large as their parts, and a part of 0 has no wedge", () => {
    const [a, b, ...others] = wedges([
      { id: "a", part: 3 },
      { id: "none", part: 0 },
      { id: "b", part: 1 },
    ]);
    expect(others).toEqual([]);
    expect((a?.to ?? 0) - (a?.from ?? 0)).toBeCloseTo(TURN * 0.75);
    expect(b).toMatchObject({ id: "b", from: a?.to });
  });

  test("are a full circle with a path, if only one part has a size", () => {
    const [all] = wedges([{ id: "a", part: 5 }], 0.1);
    expect((all?.to ?? 0) - (all?.from ?? 0)).toBeCloseTo(TURN);
    expect(sectorPath(all ?? { from: 0, to: 0 }, 10, 20)).toMatch(/^M.+A20 20 0 1 1 .+A10 10 0 1 0 .+Z$/);
  });
});
