import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { shardAddress } from "../../../src/contracts/address.ts";
import type { Delivered, Delivery } from "../../../src/contracts/orders.ts";
import { CALL_BYTES, type Publication } from "../../../src/contracts/publication.ts";
import { Lane } from "../../../src/log/lane.ts";

beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));
afterEach(() => void vi.restoreAllMocks());

const SHARD = shardAddress("centrifuge", { id: "weur-1", region: "weur" });

const pub = (offset: number, bytes = 2): Publication => ({
  kind: "pub",
  offset,
  body: "x".repeat(bytes),
});

/** A lane to a shard that answers when the test says so. */
function setUp(position = { heard: 0, tried: 0 }) {
  const calls: {
    offsets: number[];
    since: number;
    mayRepeat: boolean;
    delivery: Delivery;
    answer: (result: Delivered) => void;
    fail: () => void;
  }[] = [];
  const forgotten = vi.fn<() => void>();
  const stored: Publication[] = [];
  const heard: [offset: number, sessions: number][] = [];
  const lane = new Lane(position, {
    channel: "room",
    shard: SHARD,
    registration: 7,
    log: {
      durable: true,
      logEpoch: "e",
      after: (offset, { count, bytes }) => {
        let sum = 0;
        return stored
          .filter((one) => one.offset > offset)
          .filter(({ body }, n) => n < count && ((sum += body.length) <= bytes || n === 0));
      },
    },
    deliveries: {
      send: (shard, delivery) =>
        new Promise((resolve, reject) => {
          expect(shard).toBe(SHARD);
          const { entries, since, mayRepeat } = delivery;
          calls.push({
            delivery,
            since,
            mayRepeat,
            offsets: entries.map((event) => (event.kind === "pub" ? event.offset : 0)),
            answer: resolve,
            fail: () => reject(new Error("gone")),
          });
        }),
    },
    onNoListeners: forgotten,
    onHeard: (offset, sessions) => void heard.push([offset, sessions]),
  });
  return { lane, calls, forgotten, stored, heard };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("[SE1] one call is in flight, and events that come meanwhile go together in the next, in order", async () => {
  const { lane, calls } = setUp();
  const first = lane.push(pub(1));
  for (const offset of [2, 3, 4]) void lane.push(pub(offset));
  expect(calls.map(({ offsets }) => offsets)).toEqual([[1]]);
  calls[0]?.answer({ kind: "delivered", sessions: 1 });
  await turn();
  expect(calls.map(({ offsets }) => offsets)).toEqual([[1], [2, 3, 4]]);
  calls[1]?.answer({ kind: "delivered", sessions: 1 });
  await first;
  void lane.push(pub(5));
  expect(calls.at(-1)?.offsets).toEqual([5]);
});

test("[DL1] a delivery names its channel, its registration and its log", () => {
  const { lane, calls } = setUp({ heard: 3, tried: 3 });
  void lane.push(pub(4));
  expect(calls[0]?.delivery).toEqual({
    channel: "room",
    registration: 7,
    logEpoch: "e",
    durable: true,
    since: 3,
    mayRepeat: false,
    entries: [pub(4)],
  });
});

test("[DL1] a delivery that failed is sent again from the log, and says that it may repeat", async () => {
  const { lane, calls, stored, heard } = setUp();
  stored.push(pub(1), pub(2));
  const resting = lane.push(pub(1));
  void lane.push(pub(2));
  calls[0]?.fail();
  await resting;
  // It rests until it is run.
  expect(calls).toHaveLength(1);
  const done = lane.run();
  expect(calls[1]).toMatchObject({ offsets: [1, 2], since: 0, mayRepeat: true });
  calls[1]?.answer({ kind: "delivered", sessions: 3 });
  await done;
  expect(heard).toEqual([[2, 3]]);
  expect(lane.heard).toBe(2);
});

test("[DL1] a failed delivery is logged with its channel, its shard and the offset that the shard has heard", async () => {
  const { lane, calls, stored } = setUp({ heard: 3, tried: 3 });
  stored.push(pub(4));
  const resting = lane.push(pub(4));
  calls[0]?.fail();
  await resting;
  expect(console.error).toHaveBeenCalledWith(
    expect.objectContaining({ channel: "room", shard: "weur-1", offset: 3 }),
  );
});

test("[LG5] without a log, the publications of a failed delivery are lost, and the later ones go on", async () => {
  const { lane, calls } = setUp();
  const resting = lane.push(pub(1));
  void lane.push(pub(2));
  calls[0]?.fail();
  await resting;
  const done = lane.push(pub(3));
  expect(calls[1]).toMatchObject({ offsets: [2, 3], since: 1 });
  calls[1]?.answer({ kind: "delivered", sessions: 1 });
  await done;
});

test("[DL5] publications that an earlier life left are read from the log and may repeat; a new one does not", async () => {
  const { lane, calls, stored } = setUp({ heard: 3, tried: 5 });
  stored.push(pub(4), pub(5));
  const done = lane.run();
  expect(calls[0]).toMatchObject({ offsets: [4, 5], since: 3, mayRepeat: true });
  calls[0]?.answer({ kind: "delivered", sessions: 1 });
  await done;
  stored.push(pub(6));
  void lane.push(pub(6));
  expect(calls[1]).toMatchObject({ offsets: [6], since: 5, mayRepeat: false });
});

test("[DL1] joins and leaves go with the publications, and a burst larger than a call goes in several", async () => {
  const { lane, calls, stored } = setUp();
  const total = 600;
  for (let offset = 1; offset <= total; offset++) stored.push(pub(offset));
  void lane.push({ kind: "join", body: "j" });
  let done = 0;
  while (done < calls.length) {
    calls[done]?.answer({ kind: "delivered", sessions: 1 });
    done += 1;
    await turn();
  }
  expect(calls.flatMap(({ offsets }) => offsets).filter((offset) => offset > 0)).toEqual(
    Array.from({ length: total }, (_, n) => n + 1),
  );
  expect(calls.flatMap(({ offsets }) => offsets).filter((offset) => offset === 0)).toHaveLength(1);
});

test("[SE1] a shard without listeners is reported, once for each answer", async () => {
  const { lane, calls, forgotten, heard } = setUp();
  const done = lane.push(pub(1));
  calls[0]?.answer({ kind: "noListeners", sessions: 0 });
  await done;
  expect(forgotten).toHaveBeenCalledTimes(1);
  expect(heard).toEqual([]);
});

test("[BD90] the events that wait in memory for a shard are bounded in bytes: the oldest goes, the newest stays", async () => {
  const { lane, calls } = setUp();
  const done = lane.push(pub(1));
  const mebibyte = 1_048_576;
  for (let offset = 2; offset <= 21; offset++) void lane.push(pub(offset, mebibyte));
  expect(lane.waits).toBe(true);
  calls[0]?.answer({ kind: "delivered", sessions: 1 });
  await turn();
  expect(calls[1]?.offsets).toEqual([14, 15, 16, 17]);
  calls[1]?.answer({ kind: "delivered", sessions: 1 });
  await turn();
  expect(calls[2]?.offsets).toEqual([18, 19, 20, 21]);
  calls[2]?.answer({ kind: "delivered", sessions: 1 });
  await done;
  expect(lane.waits).toBe(false);
});

test("[BD90] the events that wait in memory for a shard are bounded in number: the oldest goes, however small", () => {
  const { lane } = setUp();
  void lane.push(pub(1));
  for (let offset = 2; offset <= 100_000; offset++) void lane.push(pub(offset, 0));
  const waiting = lane.stop();
  expect(waiting).toHaveLength(65_536);
  expect(waiting.at(-1)).toEqual(pub(100_000, 0));
});

test("[FO1] a lane that a newer registration has replaced sends no more, and its late answer does not count", async () => {
  const { lane, calls, heard, forgotten } = setUp();
  const running = lane.push(pub(1));
  void lane.push(pub(2));
  // No call has taken the second: the lane of the newer registration gets it.
  expect(lane.stop()).toEqual([pub(2)]);
  calls[0]?.answer({ kind: "delivered", sessions: 1 });
  await running;
  await turn();
  expect(calls).toHaveLength(1);
  expect(heard).toEqual([]);
  expect(lane.heard).toBe(0);
  expect(forgotten).not.toHaveBeenCalled();
});

test("[BD5] a delivery is cut by bytes, from memory and from the log, and one publication always fits", async () => {
  const { lane, calls, stored } = setUp();
  for (let offset = 1; offset <= 25; offset++) stored.push(pub(offset, 400_000));
  void lane.run();
  for (const one of stored) void lane.push(one);
  void lane.push(pub(26, CALL_BYTES + 1));
  void lane.push(pub(27));
  const offsets: number[] = [];
  for (let n = 0; offsets.length < 27; n++) {
    const bytes = calls[n]?.delivery.entries.reduce((sum, { body }) => sum + body.length, 0) ?? 0;
    expect(bytes <= CALL_BYTES || calls[n]?.offsets.length === 1).toBe(true);
    offsets.push(...(calls[n]?.offsets ?? []));
    calls[n]?.answer({ kind: "delivered", sessions: 1 });
    await turn();
  }
  expect(offsets).toEqual(Array.from({ length: 27 }, (_, n) => n + 1));
  expect(calls).toHaveLength(5);
});
