import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeMissed } from "../../../../src/socketio/recovery/merge.ts";
import type { Encoded } from "../../../../src/socketio/wire.ts";

const event = (name: string, stamp?: number): Encoded => ({
  message: stamp === undefined ? {} : { stamp },
  frames: [name],
  offset: undefined,
});

test("[SO42] what was missed keeps the order of each room, and of each sender over rooms", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ room: fc.nat(4), sender: fc.nat(2), skew: fc.nat(3) }), { maxLength: 60 }),
      (emits) => {
        const rooms: Encoded[][] = [[], [], [], [], []];
        const clocks = [0, -1_000, 1_000];
        for (const [n, { room, sender, skew }] of emits.entries()) {
          clocks[sender] = (clocks[sender] ?? 0) + 1 + skew;
          rooms[room]?.push(event(`${n}`, clocks[sender]));
        }
        // A sender waits until its event before has reached its room, so a room has its events in their order.
        const merged = mergeMissed(rooms).map(({ frames }) => Number(frames[0]));
        expect(merged.toSorted((a, b) => a - b)).toEqual(emits.map((_, n) => n));
        for (const room of rooms) {
          const names = room.map(({ frames }) => Number(frames[0]));
          expect(merged.filter((n) => names.includes(n))).toEqual(names);
        }
      },
    ),
  );
  const merged = mergeMissed([
    [event("b", 2), event("d", 4)],
    [event("a", 1), event("c", 3)],
    [event("other")],
  ]);
  expect(merged.map(({ frames }) => frames[0])).toEqual(["other", "a", "b", "c", "d"]);
});
