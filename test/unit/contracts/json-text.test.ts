import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutPart, findPart, MOST_LEVELS, startsOfItems } from "../../../src/contracts/json-text.ts";

/**
 * Names that collide, also through escapes. None has a backslash: V8 (of Node 24) takes the key "\\u0061" for a
 * key that is one backslash, if it has just read an object with such a key. The scanner does not.
 */
const KEYS = ["a", "b", "data", "publish", "", "__proto__", "toString", 'q"', "é", "\ud800", "{", "a\u0000"];

const space = fc.array(fc.constantFrom(" ", "\t", "\n", "\r"), { maxLength: 2 }).map((list) => list.join(""));

/** A string as JSON text, in which any character may be escaped. */
const stringOf = (value: string): fc.Arbitrary<string> =>
  fc.infiniteStream(fc.nat(3)).map((choices) => {
    const chars = value.split("").map((char) => {
      const code = `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
      const escaped = JSON.stringify(char).slice(1, -1);
      switch (choices.next().value) {
        case 0:
          return code;
        case 1:
          return char === "/" ? "\\/" : escaped;
        default:
          return escaped;
      }
    });
    return `"${chars.join("")}"`;
  });
const key = fc.constantFrom(...KEYS).chain(stringOf);
const word = fc.oneof(
  fc.constantFrom("1.0", "-0", "1e400", "12345678901234567890", "0.1E+2", "true", "false", "null"),
  fc
    .oneof(fc.string({ maxLength: 5 }), fc.constantFrom('\\"', "]}", "x".repeat(40), `${"y".repeat(40)}"\\`))
    .chain(stringOf),
);

/** JSON texts as nobody's `JSON.stringify` writes them: spaces, line breaks, escaped keys, keys that occur twice. */
const { text: jsonText } = fc.letrec<{ text: string; list: string; object: string }>((tie) => ({
  text: fc.oneof({ depthSize: "small" }, word, tie("list"), tie("object")),
  list: fc
    .tuple(space, fc.array(fc.tuple(space, tie("text"), space), { maxLength: 4 }))
    .map(
      ([empty, items]) => `[${items.length === 0 ? empty : items.map((parts) => parts.join("")).join(",")}]`,
    ),
  object: fc
    .tuple(space, fc.array(fc.tuple(space, key, space, space, tie("text"), space), { maxLength: 5 }))
    .map(([empty, fields]) => {
      const texts = fields.map(([a, name, b, c, value, d]) => `${a}${name}${b}:${c}${value}${d}`);
      return `{${texts.length === 0 ? empty : texts.join(",")}}`;
    }),
}));
const whole = fc.tuple(space, jsonText, space).map((parts) => parts.join(""));

/** The value that `JSON.parse` finds at a path; undefined where there is none. */
function valueAt(text: string, path: readonly string[]): unknown {
  let value: unknown = JSON.parse(text);
  for (const name of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    value = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  }
  return value;
}

function levelsOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(levelsOf));
}

/** Every path of a text, and one that leads nowhere. */
function pathsOf(value: unknown): string[][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[]];
  return [
    [],
    ["nowhere"],
    ...Object.entries(value).flatMap(([name, one]) => pathsOf(one).map((path) => [name, ...path])),
  ];
}

describe("[CE4] the scanner and JSON.parse agree", () => {
  test("[CE4] on every path, with keys that occur twice or are escaped", () => {
    fc.assert(
      fc.property(whole, (text) => {
        for (const path of pathsOf(JSON.parse(text))) {
          const part = findPart(text, path);
          const expected = valueAt(text, path);
          expect(part === undefined).toBe(expected === undefined);
          if (part === undefined) continue;
          const cut = text.slice(part.start, part.end);
          expect(cut).toBe(cut.trim());
          expect(JSON.parse(cut)).toEqual(expected);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("[CE4] on the items of a list", () => {
    fc.assert(
      fc.property(fc.array(whole, { maxLength: 5 }), (items) => {
        const text = `{"list":[${items.join(",")}]}`;
        const list = findPart(text, ["list"]);
        if (list === undefined) throw new Error("no list");
        const found = startsOfItems(text, list).map((from) => {
          const part = findPart(text, [], from);
          return part === undefined ? undefined : text.slice(part.start, part.end);
        });
        expect(found).toEqual(items.map((item) => item.trim()));
      }),
    );
  });

  test("[CE4] and a part on one line is the same value", () => {
    fc.assert(
      fc.property(whole, (text) => {
        const part = findPart(text, []);
        if (part === undefined) throw new Error("no value");
        const line = cutPart(text, part);
        expect(line).not.toMatch(/[\n\r]/);
        expect(JSON.parse(line)).toEqual(JSON.parse(text));
      }),
    );
  });
});

test("[CE5] the scanner counts how deep a value is nested", () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      // A key that occurs twice may hide a deeper value from JSON.parse.
      expect(findPart(text, [])?.levels).toBeGreaterThanOrEqual(levelsOf(JSON.parse(text)));
    }),
  );
  for (const levels of [0, 1, MOST_LEVELS, 100_000])
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      const text = `${open.repeat(levels)}1${close.repeat(levels)}`;
      expect(findPart(`{"x":[[]],"data":${text}}`, ["data"])?.levels).toBe(levels);
    }
});

test("[CE4] a text that is not JSON ends the scanner", () => {
  for (const text of ["", "{", '{"a', '{"a":', '{"a":"', '{"a":1', "[", "[1", '"'])
    expect(() => [findPart(text, ["a"]), startsOfItems(text, { start: 0, end: 1, levels: 0 })]).toThrow(
      "the text is not JSON",
    );
});
