import { expect, test } from "vitest";
import { colorAt, colorIndex } from "../../../src/console/model/palette.ts";

const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}-${n + 1}`);

test("[OP12] a shard's colour follows from its id, and neighbours in number or region differ", () => {
  expect(ids("auto", 3).map(colorIndex)).toEqual([0, 1, 2]);
  for (const theme of ["light", "dark"] as const) {
    const colorOf = (id: string): string => colorAt(colorIndex(id), theme);
    expect(new Set(ids("auto", 100).map(colorOf)).size).toBe(100);
    for (const id of ids("weur", 20)) expect(colorOf(id)).not.toBe(colorOf(id.replace("weur", "enam")));
    for (const id of ["x", "x-0", "", "x-99999", "x-100000", "é-1"])
      expect(colorOf(id)).toMatch(/^(#|oklch)/);
  }
});
