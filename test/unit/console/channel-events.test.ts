import { expect, test } from "vitest";
import {
  addHistory,
  addEvents,
  formatData,
  type ChannelEvent,
} from "../../../src/console/model/channel-events.ts";

const publication = (offset: number | undefined, data = "x"): ChannelEvent => ({
  kind: "publication",
  offset,
  data,
  from: "",
  at: undefined,
});

const offsets = (events: readonly ChannelEvent[]) =>
  events.map((one) => (one.kind === "publication" ? one.offset : one.kind));

test("a publication that came live and in the history is one event, and the history goes below", () => {
  const live = addEvents([], [publication(7), publication(6)]);
  expect(offsets(addHistory(live, [publication(7), publication(6), publication(5), publication(4)]))).toEqual(
    [7, 6, 5, 4],
  );
  expect(offsets(addEvents(live, [publication(8), publication(7)]))).toEqual([8, 7, 6]);
});

test("every publication without an offset is an event of its own", () => {
  expect(addEvents([publication(undefined)], [publication(undefined)])).toHaveLength(2);
});

test("joins and leaves are events", () => {
  expect(offsets(addEvents([publication(1)], [{ kind: "join", name: "ann", at: 1 }]))).toEqual(["join", 1]);
});

test("data of an event is one short line", () => {
  expect(formatData({ a: 1 })).toBe('{"a":1}');
  expect(formatData("y".repeat(500)).length).toBeLessThanOrEqual(160);
});
