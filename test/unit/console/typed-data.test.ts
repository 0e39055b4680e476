import { expect, test } from "vitest";
import { readTyped } from "../../../src/console/model/typed-data.ts";

test.each<[string, unknown]>([
  ['{"a":1}', { a: 1 }],
  [" [1, 2]", [1, 2]],
  ["7", 7],
  ["null", null],
  ['"hello"', "hello"],
])("[OP14] %s is JSON", (text, value) => {
  expect(readTyped(text)).toEqual({ kind: "json", value });
});

test.each(["hello", "12 men", "a {b}", "", "true or not"])("[OP14] %s is text", (text) => {
  expect(readTyped(text)).toEqual({ kind: "text", value: text });
});

test.each(['{"a":1', "{a: 1}", "[1,]", '"hello', "  {"])("[OP14] %s is broken JSON, and no text", (text) => {
  expect(readTyped(text)).toMatchObject({
    kind: "broken",
    problem: expect.stringContaining("this is not JSON ("),
  });
});
