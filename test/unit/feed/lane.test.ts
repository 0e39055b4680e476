import { expect, test, vi } from "vitest";
import { Lane } from "../../../src/log/lane.ts";
import type { DeliveryResult, PubEntry } from "../../../src/contracts/delivery.ts";

const pub = (offset: number, bytes = 2): PubEntry => ({ kind: "pub", offset, body: "x".repeat(bytes) });

/** A lane to a shard that answers when the test says so. */
function setUp(position = { heard: 0, tried: 0 }) {
  const calls: {
    offsets: number[];
    since: number;
    mayRepeat: boolean;
    answer: (result: DeliveryResult) => void;
    fail: () => void;
  }[] = [];
  const forgotten = vi.fn<() => void>();
  const stored: PubEntry[] = [];
  const heard: number[] = [];
  const lane = new Lane(position, {
    deliver: ({ entries, since, mayRepeat }) =>
      new Promise((resolve, reject) => {
        calls.push({
          since,
          mayRepeat,
          offsets: entries.map((entry) => (entry.kind === "pub" ? entry.offset : 0)),
          answer: resolve,
          fail: () => reject(new Error("gone")),
        });
      }),
    onNoListeners: forgotten,
    onHeard: (offset) => heard.push(offset),
    readAfter: (offset, limit) => stored.filter((one) => one.offset > offset).slice(0, limit),
  });
  return { lane, calls, forgotten, stored, heard };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("[SE1] one call is in flight, and what comes meanwhile goes together in the next, in order", async () => {
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

test("[DL1] a delivery that failed is sent again from the log, and says that it may repeat", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const { lane, calls, stored, heard } = setUp();
  stored.push(pub(1), pub(2));
  const resting = lane.push(pub(1));
  void lane.push(pub(2));
  calls[0]?.fail();
  await resting;
  // It rests until something wakes it.
  expect(calls).toHaveLength(1);
  const done = lane.run();
  expect(calls[1]).toMatchObject({ offsets: [1, 2], since: 0, mayRepeat: true });
  calls[1]?.answer({ kind: "delivered", sessions: 1 });
  await done;
  expect(heard).toEqual([2]);
  vi.restoreAllMocks();
});

test("[LG5] without a log, what a failed delivery carried is gone, and the rest goes on", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const { lane, calls } = setUp();
  const resting = lane.push(pub(1));
  void lane.push(pub(2));
  calls[0]?.fail();
  await resting;
  const done = lane.push(pub(3));
  expect(calls[1]).toMatchObject({ offsets: [2, 3], since: 1 });
  calls[1]?.answer({ kind: "delivered", sessions: 1 });
  await done;
  vi.restoreAllMocks();
});

test("[DL5] what an earlier life left is read from the log, and may repeat; what is new does not", async () => {
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
  const { lane, calls, forgotten } = setUp();
  const done = lane.push(pub(1));
  calls[0]?.answer({ kind: "noListeners", sessions: 0 });
  await done;
  expect(forgotten).toHaveBeenCalledTimes(1);
});

test("[SE3] what waits in memory for a shard is bounded: the oldest goes, the newest stays", async () => {
  const { lane, calls } = setUp();
  const done = lane.push(pub(1));
  const mebibyte = 1_048_576;
  for (let offset = 2; offset <= 21; offset++) void lane.push(pub(offset, mebibyte));
  calls[0]?.answer({ kind: "delivered", sessions: 1 });
  await turn();
  expect(calls[1]?.offsets).toEqual([14, 15, 16, 17, 18, 19, 20, 21]);
  calls[1]?.answer({ kind: "delivered", sessions: 1 });
  await done;
});
