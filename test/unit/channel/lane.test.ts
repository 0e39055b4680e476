import { expect, test, vi } from "vitest";
import { Lane } from "../../../src/channel/lane.ts";
import type { DeliveryResult, Entry } from "../../../src/protocol/delivery.ts";

const pub = (offset: number, bytes = 2): Entry => ({ kind: "pub", offset, body: "x".repeat(bytes) });

/** A lane to a shard that answers when the test says so. */
function setUp() {
  const calls: { offsets: number[]; answer: (result: DeliveryResult) => void; fail: () => void }[] = [];
  const forgotten = vi.fn<() => void>();
  const lane = new Lane({
    deliver: (entries) =>
      new Promise((resolve, reject) => {
        calls.push({
          offsets: entries.map((entry) => (entry.kind === "pub" ? entry.offset : 0)),
          answer: resolve,
          fail: () => reject(new Error("gone")),
        });
      }),
    onNoListeners: forgotten,
  });
  return { lane, calls, forgotten };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("[SE1] one call is in flight, and what comes meanwhile goes together in the next, in order", async () => {
  const { lane, calls } = setUp();
  const first = lane.push(pub(1));
  for (const offset of [2, 3, 4]) void lane.push(pub(offset));
  expect(calls.map(({ offsets }) => offsets)).toEqual([[1]]);
  calls[0]?.answer({ kind: "delivered" });
  await turn();
  expect(calls.map(({ offsets }) => offsets)).toEqual([[1], [2, 3, 4]]);
  calls[1]?.answer({ kind: "delivered" });
  await first;
  void lane.push(pub(5));
  expect(calls.at(-1)?.offsets).toEqual([5]);
});

test("[SE1] a delivery that is given up takes only its own entries with it", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const { lane, calls } = setUp();
  const done = lane.push(pub(1));
  void lane.push(pub(2));
  calls[0]?.fail();
  await turn();
  expect(calls.at(-1)?.offsets).toEqual([2]);
  calls[1]?.answer({ kind: "delivered" });
  await done;
  vi.restoreAllMocks();
});

test("[SE1] a shard without listeners is reported, once for each answer", async () => {
  const { lane, calls, forgotten } = setUp();
  const done = lane.push(pub(1));
  calls[0]?.answer({ kind: "noListeners" });
  await done;
  expect(forgotten).toHaveBeenCalledTimes(1);
});

test("[SE3] what waits for a shard is bounded: the oldest goes, the newest stays", async () => {
  const { lane, calls } = setUp();
  const done = lane.push(pub(1));
  const mebibyte = 1_048_576;
  for (let offset = 2; offset <= 21; offset++) void lane.push(pub(offset, mebibyte));
  calls[0]?.answer({ kind: "delivered" });
  await turn();
  expect(calls[1]?.offsets).toEqual([14, 15, 16, 17, 18, 19, 20, 21]);
  calls[1]?.answer({ kind: "delivered" });
  await done;
});
