import { expect, test } from "vitest";
import { assignColors, colorAt } from "../../../src/console/model/palette.ts";

test("a shard keeps its colour while other shards come and go, and a new shard gets a free one", () => {
  const first = assignColors(new Map(), ["a", "b", "c"]);
  expect([...first]).toEqual([
    ["a", 0],
    ["b", 1],
    ["c", 2],
  ]);
  const second = assignColors(first, ["a", "c", "d"]);
  expect(Object.fromEntries(second)).toEqual({ a: 0, c: 2, d: 1 });
});

test("64 shards have 64 colours in each theme", () => {
  for (const theme of ["light", "dark"] as const) {
    expect(new Set(Array.from({ length: 64 }, (_, index) => colorAt(index, theme))).size).toBe(64);
  }
});
