import fc from "fast-check";
import { expect, test } from "vitest";
import { DIRECT_MAX, planTree } from "../../../src/fanout/tree.ts";

const numbered = (count: number) => Array.from({ length: count }, (_, n) => n);

test("[FO5] a tree has each target once, and no shard relays up to 32", () => {
  fc.assert(
    fc.property(fc.nat(2_000), (count) => {
      const branches = planTree(numbered(count));
      expect(branches.flatMap(({ relay, others }) => [relay, ...others])).toEqual(numbered(count));
      if (count <= DIRECT_MAX) expect(branches.every(({ others }) => others.length === 0)).toBe(true);
    }),
  );
});

test("[FO5] above 32 neither the sender nor a relay has more calls to make than the root of their number", () => {
  fc.assert(
    fc.property(fc.integer({ min: DIRECT_MAX + 1, max: 10_000 }), (count) => {
      const branches = planTree(numbered(count));
      const most = Math.ceil(Math.sqrt(count));
      expect(branches.length).toBeLessThanOrEqual(most);
      for (const { others } of branches) expect(others.length).toBeLessThanOrEqual(most);
    }),
  );
});
