import { expect, test } from "vitest";
import {
  addHistory,
  addLines,
  readData,
  showData,
  type ChannelLine,
} from "../../../src/console/model/channel-view.ts";

const line = (offset: number | undefined, data = "x"): ChannelLine => ({
  kind: "publication",
  offset,
  data,
  from: "",
  at: undefined,
});

const offsets = (lines: readonly ChannelLine[]) =>
  lines.map((one) => (one.kind === "publication" ? one.offset : one.kind));

test("a publication that is both live and in the history is one line, and history goes below", () => {
  const live = addLines([], [line(7), line(6)]);
  expect(offsets(addHistory(live, [line(7), line(6), line(5), line(4)]))).toEqual([7, 6, 5, 4]);
  expect(offsets(addLines(live, [line(8), line(7)]))).toEqual([8, 7, 6]);
});

test("without offsets every publication is a line of its own", () => {
  expect(addLines([line(undefined)], [line(undefined)])).toHaveLength(2);
});

test("joins and leaves are lines too", () => {
  expect(offsets(addLines([line(1)], [{ kind: "join", who: "ann", at: 1 }]))).toEqual(["join", 1]);
});

test("what is typed is JSON where it can be read as such, else text", () => {
  expect([readData('{"a":1}'), readData("7"), readData("hello")]).toEqual([{ a: 1 }, 7, "hello"]);
  expect(showData({ a: 1 })).toBe('{"a":1}');
  expect(showData("y".repeat(500)).length).toBeLessThanOrEqual(160);
});
