import { expect, test } from "vitest";
import { encodeSockets } from "../../../src/socketio/question.ts";

const handshake = {
  query: {},
  headers: {},
  address: "",
  auth: {},
  issued: 0,
  time: "",
  user: undefined,
  userInfo: undefined,
};

test("[SO12] a shard tells of its sockets, or that they are too many for one answer", () => {
  const few = [
    { id: "a", handshake, rooms: ["a", "red"], data: { name: "ann" } },
    { id: "b", handshake, rooms: ["b"], data: null },
  ];
  expect(JSON.parse(encodeSockets(few, 1_000))).toEqual(few);
  expect(encodeSockets([], 1_000)).toBe("[]");
  let made = 0;
  function* many() {
    for (; made < 100_000; made++) yield { id: "a", handshake, rooms: ["a"], data: "x".repeat(16_000) };
  }
  expect(() => encodeSockets(many(), 8_388_608)).toThrow("name rooms");
  expect(made).toBeLessThan(1_000);
});
