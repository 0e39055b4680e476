import { expect, test } from "vitest";
import { encodeSockets } from "../../../src/socketio/question.ts";

test("[SO12] a shard tells of its sockets, or that they are too many for one answer", () => {
  const few = [
    { id: "a", rooms: ["a", "red"], data: { name: "ann" } },
    { id: "b", rooms: ["b"], data: null },
  ];
  expect(JSON.parse(encodeSockets(few))).toEqual(few);
  expect(encodeSockets([])).toBe("[]");
  let made = 0;
  function* many() {
    for (; made < 100_000; made++) yield { id: "a", rooms: ["a"], data: "x".repeat(16_000) };
  }
  expect(() => encodeSockets(many())).toThrow("name rooms");
  expect(made).toBeLessThan(1_000);
});
