import fc from "fast-check";
import { expect, test } from "vitest";
import { fits } from "../../../src/policy/glob.ts";

test("[AP2] a pattern fits as the regular expression of the same meaning does", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", ":", "*", "?"), maxLength: 8 });
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      const same = pattern.replaceAll("*", "[^]*").replaceAll("?", "[^]");
      expect(fits(pattern, name)).toBe(new RegExp(`^${same}$`).test(name));
    }),
    { numRuns: 2_000 },
  );
});

test("[AP2] no pattern of a reader keeps a shard busy", () => {
  // A matcher that tries every way to divide the name would not end.
  for (let n = 0; n < 1_000; n++) expect(fits(`${"*a".repeat(100)}*b`, "a".repeat(255))).toBe(false);
});
