import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMeaningful, matches, tagsFilterSchema, type TagsFilter } from "../../../src/policy/tags-filter.ts";

const passes = (filter: TagsFilter, tags: Record<string, string>) => {
  expect(isMeaningful(filter)).toBe(true);
  return matches(filter, tags);
};

/** Whether `tag cmp val` holds, for a tag that may not be there. */
const compared = (cmp: string, tag: string | undefined, val: string) =>
  passes({ key: "k", cmp, val }, tag === undefined ? {} : { k: tag });

describe("[AP7] a leaf compares one tag", () => {
  test.each([
    ["eq", "a", "a", true],
    ["eq", "A", "a", false],
    ["eq", undefined, "a", false],
    ["neq", "a", "a", false],
    ["neq", "b", "a", true],
    ["neq", undefined, "a", true],
    ["sw", "abc", "ab", true],
    ["sw", "abc", "bc", false],
    ["sw", undefined, "a", false],
    ["ew", "abc", "bc", true],
    ["ew", "abc", "ab", false],
    ["ct", "abc", "b", true],
    ["ct", "abc", "d", false],
    ["lt", "9", "10", true],
    ["lt", "10", "10", false],
    ["lte", "10.0", "10", true],
    ["gt", "-1", "-2", true],
    ["gt", "x", "1", false],
    ["lt", "", "1", false],
    ["gte", "1e3", "1", false],
    ["gte", undefined, "0", false],
    ["lt", "1", "x", false],
    // More digits than a double has.
    ["gt", "9007199254740993", "9007199254740992", true],
    ["lt", "0.10000000000000000001", "0.10000000000000000002", true],
    ["gte", "-0", "0", true],
    ["gte", "+5", "05.00", true],
  ] as const)("%s: %s with %s is %s", (cmp, tag, val, expected) => {
    expect(compared(cmp, tag, val)).toBe(expected);
  });

  test("with many values, or with none", () => {
    const vals = ["a", "b"];
    const seen = [{ k: "a" }, { k: "c" }, {}].map((tags) =>
      ["in", "nin", "ex", "nex"].map((cmp) =>
        passes({ key: "k", cmp, ...(cmp.endsWith("in") ? { vals } : {}) }, tags as Record<string, string>),
      ),
    );
    expect(seen).toEqual([
      [true, false, true, false],
      [false, true, true, false],
      [false, true, false, true],
    ]);
  });

  test("a tag that every object inherits is not there", () => {
    expect(passes({ key: "constructor", cmp: "ex" }, {})).toBe(false);
    expect(passes({ key: "toString", cmp: "nex" }, {})).toBe(true);
  });
});

const leaves = fc.oneof(
  fc.record({
    key: fc.constantFrom("a", "b"),
    cmp: fc.constantFrom("eq", "neq", "sw", "ew", "ct", "lt", "lte", "gt", "gte"),
    val: fc.constantFrom("1", "2", "10", "x"),
  }),
  fc.record({
    key: fc.constantFrom("a", "b"),
    cmp: fc.constantFrom("in", "nin"),
    vals: fc.array(fc.constantFrom("1", "x"), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ key: fc.constantFrom("a", "b"), cmp: fc.constantFrom("ex", "nex") }),
);
const filters = fc.letrec<{ filter: TagsFilter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    leaves,
    fc.record({
      op: fc.constantFrom("and", "or"),
      nodes: fc.array(tie("filter"), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ op: fc.constant("not"), nodes: fc.tuple(tie("filter")) }),
  ),
})).filter;
const tags = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2", "3.5", "10", "x", ""));

const not = (node: TagsFilter): TagsFilter => ({ op: "not", nodes: [node] });

test("[AP7] and, or and not are those of logic, for any filter and any tags", () => {
  fc.assert(
    fc.property(filters, filters, tags, (one, other, some) => {
      expect(isMeaningful(one)).toBe(true);
      const [a, b] = [matches(one, some), matches(other, some)];
      expect(matches(not(one), some)).toBe(!a);
      expect(matches(not(not(one)), some)).toBe(a);
      expect(matches({ op: "and", nodes: [one, other] }, some)).toBe(a && b);
      expect(matches({ op: "or", nodes: [one, other] }, some)).toBe(a || b);
    }),
  );
});

test("[AP7] of two decimals of any length exactly one order holds", () => {
  const decimal = fc
    .tuple(fc.constantFrom("", "-"), fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.nat(9))
    .map(([sign, whole, part]) => ({
      text: `${sign}${whole}.${part}`,
      value: BigInt(`${sign}${whole}${part}`),
    }));
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      expect(compared("lt", a.text, b.text)).toBe(a.value < b.value);
      expect(compared("lte", a.text, b.text)).toBe(a.value <= b.value);
      expect(compared("gt", a.text, b.text)).toBe(a.value > b.value);
      expect(compared("gte", a.text, b.text)).toBe(a.value >= b.value);
    }),
  );
});

test("[AP7] a filter without a meaning is refused, and so is one that is too deep", () => {
  const leaf = { key: "a", cmp: "eq", val: "1" };
  const deep = (depth: number) => Array.from({ length: depth - 1 }).reduce<TagsFilter>(not, leaf);
  expect(isMeaningful(deep(16))).toBe(true);
  for (const filter of [
    deep(17),
    deep(1_000),
    {},
    { op: "xor", nodes: [leaf] },
    { op: "and", nodes: [] },
    { op: "and" },
    { op: "not", nodes: [leaf, leaf] },
    { op: "or", nodes: [leaf, { key: "a", cmp: "like", val: "1" }] },
    { key: "a", cmp: "eq" },
    { key: "a", cmp: "constructor", val: "1" },
    { cmp: "eq", val: "1" },
    { key: "a", cmp: "eq", val: "1", vals: ["1"] },
    { key: "a", cmp: "in", vals: [] },
    { key: "a", cmp: "in", val: "1", vals: ["1"] },
    { key: "a", cmp: "ex", val: "1" },
  ])
    expect(isMeaningful(filter), JSON.stringify(filter).slice(0, 80)).toBe(false);
  for (const filter of [{ key: 1 }, { vals: "a" }, { nodes: [{ op: 1 }] }, [], "a"])
    expect(tagsFilterSchema.safeParse(filter).success).toBe(false);
});
