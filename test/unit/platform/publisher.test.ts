import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PublishRequest, PublishResult } from "../../../src/contracts/log.ts";
import { Publisher, type Published } from "../../../src/platform/publisher.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("scheduler", { wait: (ms: number) => new Promise((done) => setTimeout(done, ms)) });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const TIMEOUT_MS = 10_000;
const publication = (id: string, chars = 2): PublishRequest => ({ id, body: "x".repeat(chars) });
const result = (offset: number): PublishResult => ({ offset, logEpoch: "e", refused: null });

/** A publisher to channels that answer when the test says so. */
function setUp() {
  const calls: {
    readonly channel: string;
    readonly ids: string[];
    readonly awaitedUntil: readonly (number | undefined)[];
    readonly answer: (results: readonly PublishResult[]) => Promise<void>;
    readonly fail: (error: Error) => Promise<void>;
  }[] = [];
  const settled = () => vi.advanceTimersByTimeAsync(0);
  const publisher = new Publisher(
    (channel, publications) =>
      new Promise((resolve, reject) => {
        calls.push({
          channel,
          ids: publications.map(({ id }) => id),
          awaitedUntil: publications.map(({ awaitedUntil }) => awaitedUntil),
          answer: (results) => {
            resolve(results);
            return settled().then(() => undefined);
          },
          fail: (error) => {
            reject(error);
            return settled().then(() => undefined);
          },
        });
      }),
    { timeoutMs: TIMEOUT_MS },
  );
  /** The outcomes so far, by id. */
  const outcomes = new Map<string, Published | string>();
  const publish = (id: string, { channel = "room", chars = 2 } = {}): void => {
    publisher.publish(channel, publication(id, chars)).then(
      (published) => outcomes.set(id, published),
      (error: unknown) => outcomes.set(id, (error as Error).message),
    );
  };
  const call = (n: number) => {
    const one = calls[n];
    if (one === undefined) throw new Error(`there are ${calls.length} calls`);
    return one;
  };
  return { calls, call, publish, outcomes };
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `p${n}`);

test("[EL20] one call is in flight for a channel, and what comes meanwhile goes in the next, in order", async () => {
  const { calls, call, publish, outcomes } = setUp();
  for (const id of ["a", "b", "c"]) publish(id);
  publish("x", { channel: "other" });
  expect(calls.map(({ channel, ids }) => [channel, ids])).toEqual([
    ["room", ["a"]],
    ["other", ["x"]],
  ]);
  await call(0).answer([result(1)]);
  expect(call(2).ids).toEqual(["b", "c"]);
  publish("d");
  expect(outcomes).toEqual(new Map([["a", result(1)]]));
  await call(2).answer([result(2), { ...result(0), refused: "tooLarge" }]);
  expect(outcomes.get("b")).toEqual(result(2));
  expect(outcomes.get("c")).toMatchObject({ refused: "tooLarge" });
  expect(call(3).ids).toEqual(["d"]);
  await call(3).answer([result(3)]);
  publish("e");
  expect(call(4).ids).toEqual(["e"]);
});

test("[EL20] a call holds at most 256 publications, and a megabyte unless one alone is larger", async () => {
  const { call, publish } = setUp();
  publish("first");
  for (const id of numbered(300)) publish(id);
  await call(0).answer([result(1)]);
  expect(call(1).ids).toEqual(numbered(300).slice(0, 256));
  await call(1).answer(call(1).ids.map((_, n) => result(n)));
  expect(call(2).ids).toEqual(numbered(300).slice(256));
  for (const [id, chars] of [
    ["half", 600_000],
    ["other half", 600_000],
    ["large", 2_000_000],
    ["small", 10],
  ] as const)
    publish(id, { chars });
  for (let n = 2; n < 6; n++) await call(n).answer(call(n).ids.map(() => result(n)));
  expect([3, 4, 5, 6].map((n) => call(n).ids)).toEqual([["half"], ["other half"], ["large"], ["small"]]);
});

test("[EL22] publications of a call that threw go again under their ids, with those that came meanwhile", async () => {
  const { calls, call, publish, outcomes } = setUp();
  for (const id of ["a", "b", "c"]) publish(id);
  await call(0).answer([result(1)]);
  publish("d");
  await call(1).fail(new Error("the object has died"));
  expect(calls).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(100);
  expect(call(2).ids).toEqual(["b", "c", "d"]);
  await call(2).answer([result(2), result(3), result(4)]);
  expect([...outcomes.keys()]).toEqual(["a", "b", "c", "d"]);
});

test("[EL22] no publication is tried after 4 s, however long it has waited, and later ones go on", async () => {
  const { call, calls, publish, outcomes } = setUp();
  publish("slow");
  publish("waits");
  await vi.advanceTimersByTimeAsync(3_000);
  publish("later");
  await vi.advanceTimersByTimeAsync(2_000);
  await call(0).answer([result(1)]);
  expect(outcomes.get("waits")).toBe("the channel was too slow for the publications that wait");
  expect(call(1).ids).toEqual(["later"]);
  await call(1).fail(new Error("the object has died"));
  await vi.advanceTimersByTimeAsync(2_000);
  for (let n = 2; n < calls.length; n++) await call(n).fail(new Error("the object has died"));
  await vi.advanceTimersByTimeAsync(2_000);
  expect(outcomes.get("later")).toBe("the object has died");
});

test("[LG5] each call says until when its publications are awaited", async () => {
  const { call, publish } = setUp();
  publish("a");
  expect(call(0).awaitedUntil).toEqual([Date.now() + TIMEOUT_MS]);
  publish("b");
  await call(0).fail(new Error("the object has died"));
  await vi.advanceTimersByTimeAsync(100);
  expect(call(1).ids).toEqual(["a", "b"]);
  const [again = 0, later] = call(1).awaitedUntil;
  expect(again).toBe(later);
  expect(again).toBeGreaterThan(call(0).awaitedUntil[0] ?? Infinity);
});
test("[EL22] a call without an answer fails after its time, and the channel is called again", async () => {
  const { call, publish, outcomes } = setUp();
  publish("lost");
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1_000);
  publish("next");
  await vi.advanceTimersByTimeAsync(1_001);
  expect(outcomes.get("lost")).toBe(`no answer within ${TIMEOUT_MS} ms`);
  expect(call(1).ids).toEqual(["next"]);
});

test("[EL22] what the runtime marks as overloaded is not tried again", async () => {
  const { call, publish, outcomes } = setUp();
  publish("a");
  publish("b");
  await call(0).fail(Object.assign(new Error("too much to do"), { overloaded: true }));
  expect(outcomes).toEqual(new Map([["a", "too much to do"]]));
  expect(call(1).ids).toEqual(["b"]);
});

test("[EL23] the publications that wait are bounded over all channels in number", async () => {
  const { call, publish, outcomes } = setUp();
  publish("other", { channel: "other" });
  for (const id of numbered(8_191)) publish(id);
  publish("refused");
  publish("refused too", { channel: "third" });
  await vi.advanceTimersByTimeAsync(0);
  expect([...outcomes]).toEqual(
    ["refused", "refused too"].map((id) => [id, { offset: 0, logEpoch: "", refused: "full" }]),
  );
  await call(0).answer([result(1)]);
  publish("fits");
  await vi.advanceTimersByTimeAsync(0);
  expect(outcomes.has("fits")).toBe(false);
});

test("[EL23] the publications that wait are bounded in bytes", async () => {
  const { calls, call, publish, outcomes } = setUp();
  for (let n = 0; n < 9; n++) publish(`large ${n}`, { chars: 1_900_000 });
  await vi.advanceTimersByTimeAsync(0);
  expect(calls.map(({ ids }) => ids)).toEqual([["large 0"]]);
  expect(outcomes.get("large 8")).toMatchObject({ refused: "full" });
  await call(0).answer([result(1)]);
  publish("taken");
  await vi.advanceTimersByTimeAsync(0);
  expect(outcomes.get("taken")).toBeUndefined();
});

test("[EL23] a publication that is longer than one may be is refused at once, and none waits for it", async () => {
  const { calls, publish, outcomes } = setUp();
  publish("huge", { chars: 40_000_000 });
  publish("next");
  await vi.advanceTimersByTimeAsync(0);
  expect(outcomes.get("huge")).toMatchObject({ refused: "tooLarge" });
  expect(calls.map(({ ids }) => ids)).toEqual([["next"]]);
});
