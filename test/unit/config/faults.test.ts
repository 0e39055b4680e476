import { describe, expect, test } from "vitest";
import * as z from "zod";
import { faultsOf, firstFault, sayFault } from "../../../src/config/faults.ts";
import { parseConfig } from "../../../src/config/config.ts";

const schema = z.strictObject({
  name: z.string().min(1).max(3),
  size: z.number().int().min(1).max(5),
  share: z.number().gt(0).optional(),
  on: z.boolean().optional(),
  mode: z.enum(["a", "b"]).optional(),
  list: z.array(z.string()).min(1).optional(),
  inner: z.strictObject({ url: z.url().optional() }).optional(),
  either: z.union([z.boolean(), z.strictObject({ ms: z.number() })]).optional(),
  own: z.string().regex(/^x/, "it begins with an x").optional(),
});
const good = { name: "ann", size: 1 };

describe("[FH3] a fault is a sentence with the path of its field", () => {
  const cases: [value: unknown, said: string][] = [
    [[], "the body: must be an object, not a list"],
    ["x", "the body: must be an object, not a text"],
    [{ size: 1 }, "name: is missing"],
    [{ ...good, name: 7 }, "name: must be a text, not 7"],
    [{ ...good, name: null }, "name: must be a text, not null"],
    [{ ...good, name: "" }, "name: must not be empty"],
    [{ ...good, name: "anna" }, "name: must have at most 3 characters"],
    [{ ...good, size: "1" }, "size: must be a number, not a text"],
    [{ ...good, size: Number.NaN }, "size: must be a number"],
    [{ ...good, size: 1.5 }, "size: must be a whole number, not 1.5"],
    [{ ...good, size: 0 }, "size: must be at least 1"],
    [{ ...good, size: 6 }, "size: must be at most 5"],
    [{ ...good, share: 0 }, "share: must be more than 0"],
    [{ ...good, on: "yes" }, "on: must be true or false, not a text"],
    [{ ...good, mode: "c" }, 'mode: must be one of "a", "b"'],
    [{ ...good, list: "a" }, "list: must be a list, not a text"],
    [{ ...good, list: [] }, "list: must not be empty"],
    [{ ...good, list: ["a", {}] }, "list.1: must be a text, not an object"],
    [
      { ...good, inner: { url: "example" } },
      "inner.url: must be an address such as https://example.com/path",
    ],
    [{ ...good, inner: { uri: 1 } }, "inner.uri: there is no such field"],
    [{ ...good, either: "x" }, "either: must be true or false or an object"],
    [{ ...good, either: { ms: "x" } }, "either.ms: must be a number, not a text"],
    [{ ...good, either: { s: 1, ms: 1 } }, "either.s: there is no such field"],
    [{ ...good, own: "a" }, "own: it begins with an x"],
  ];
  test.each(cases)("%j: %s", (value, said) => {
    const { error } = schema.safeParse(value, { error: sayFault });
    expect(error && firstFault(error, "the body")).toBe(said);
  });

  test("each field that is not known is named by itself", () => {
    const { error } = schema.safeParse({ ...good, a: 1, b: 2 }, { error: sayFault });
    expect(error && faultsOf(error).map(({ path }) => path)).toEqual([["a"], ["b"]]);
  });

  test("a wrong setting is said so", () => {
    const RINGCAST = { shards: { initial: "4" }, anonymos: true };
    expect(() => parseConfig({ RINGCAST })).toThrow(
      "RINGCAST.shards.initial: must be a number, not a text; RINGCAST.anonymos: there is no such field",
    );
  });
});
