import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Acks, newSharedId } from "../../../src/socketio/acks.ts";
import type { Client } from "../../../src/socketio/client.ts";
import { sumOf } from "../../../src/socketio/gathered.ts";
import { Gatherings } from "../../../src/socketio/gathering.ts";
import { pack, unpack } from "../../../src/socketio/packed.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A client, as far as an event with an acknowledgement looks at it. */
const client = () => ({ acks: new Acks() }) as Partial<Client> as Client;
const gathering = (more: object = {}) => ({
  nsp: "/",
  ackId: newSharedId(),
  timeoutMs: 1_000,
  chars: 1_000,
  ...more,
});

test("[SO32] answers have a bound together, and the wait ends there", async () => {
  const clients = Array.from({ length: 3 }, client);
  const one = gathering({ chars: 60 });
  const gathered = new Gatherings().gather(clients, one, () => undefined);
  clients[0]?.acks.take("/", one.ackId, ["short", "not taken"]);
  clients[1]?.acks.take("/", one.ackId, ["x".repeat(60)]);
  const result = await gathered;
  expect(result).toMatchObject({ missing: 2, isOver: true });
  expect(vi.getTimerCount()).toBe(0);
  const sum = sumOf([{ status: "fulfilled", value: result }]);
  expect([sum.error?.message, sum.answers]).toEqual(["the answers are too long together", ["short"]]);
});

test("[SO32] a shard awaits a bounded number of answers, and forgets those that have come or timed out", async () => {
  const gatherings = new Gatherings();
  const clients = Array.from({ length: 50_000 }, client);
  const send = () => undefined;
  const first = gatherings.gather(clients, gathering(), send);
  const second = gatherings.gather(clients, gathering(), send);
  expect(() => gatherings.gather([client()], gathering(), send)).toThrow("100000 answers at most");
  vi.advanceTimersByTime(1_000);
  expect((await first).missing).toBe(50_000);
  expect((await second).missing).toBe(50_000);
  expect(clients[0]?.acks.expectShared("/", 1, () => undefined)).toBe(true);
  const none = await gatherings.gather([], gathering(), send);
  expect(none).toEqual({ answers: [], missing: 0, isOver: false });
});

test("[SO32] a client that owes 256 answers is asked no more, and counts as one that has not answered", async () => {
  const one = client();
  for (let n = 0; n < 256; n++) one.acks.expect("/", { timeoutMs: 60_000, answered: () => undefined });
  const sent: Client[] = [];
  const result = await new Gatherings().gather([one], gathering(), (to) => sent.push(to));
  expect([result.missing, sent]).toEqual([1, []]);
});

test("[SO32] arguments travel packed, with binary data, and text that is none is refused", () => {
  const args = [{ deep: [new Uint8Array([1, 255])] }, "text \u001E", null];
  expect(unpack(pack(args))).toEqual(args);
  expect(unpack(pack([]))).toEqual([]);
  expect(() => unpack("42nothing")).toThrow("holds no arguments");
  expect(() => pack(Array.from({ length: 11 }, () => new Uint8Array(1)))).toThrow(
    "at most 10 binary parts, not 11",
  );
});
