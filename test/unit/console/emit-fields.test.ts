import { expect, test } from "vitest";
import { parseArgs, parseRooms } from "../../../src/console/model/emit-fields.ts";

test.each<[string, unknown[]]>([
  ["", []],
  ["hello", ["hello"]],
  ['"hello"', ["hello"]],
  ["[1, [2]]", [1, [2]]],
  ['{"a": 1}', [{ a: 1 }]],
  ["null", [null]],
])("[SO58] the arguments %s are read as a list, a value or text", (text, args) => {
  expect(parseArgs(text)).toEqual({ args });
});

test("[OP14] broken JSON is no argument", () => {
  expect(parseArgs("[1")).toMatchObject({ problem: expect.stringContaining("this is not JSON") });
});

test("[SO58] rooms are read once each, without the space around them", () => {
  expect(parseRooms(" lobby,, a b ,lobby,")).toEqual(["lobby", "a b"]);
  expect(parseRooms(" ")).toEqual([]);
});
