import { expect, test } from "vitest";
import { PULSE_NAMESPACES } from "../../../src/contracts/live.ts";
import { countNamespaces, decodeInspection, encodeInspection } from "../../../src/socketio/inspection.ts";
import { namespaceChannel, roomChannel } from "../../../src/socketio/names.ts";

test("[SO55] a pulse has the namespaces with the most sockets, and so many at most", () => {
  const counts = new Map<string, number>([
    [roomChannel("/", "own"), 2],
    ["chat:shared", 1],
    [namespaceChannel("/"), 500],
  ]);
  for (let n = 0; n < 100; n++) counts.set(namespaceChannel(`/game-${n}`), n);
  const counted = countNamespaces({ memberCounts: () => counts });
  expect(counted.length).toBe(PULSE_NAMESPACES);
  expect(counted.slice(0, 2)).toEqual([
    { name: "/", sockets: 500, rooms: 2 },
    { name: "/game-99", sockets: 99, rooms: 0 },
  ]);
});

test("[SO56] an inspection is known by its beginning, whatever another question holds", () => {
  const inspection = { nsp: "/", kind: "rooms", limit: 3 } as const;
  expect(decodeInspection(encodeInspection(inspection))).toEqual(inspection);
  expect(decodeInspection('{"kind":"emit","text":"{\\"kind\\":\\"rooms\\","}')).toBeUndefined();
});
