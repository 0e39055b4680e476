import { expect, test } from "vitest";
import { CALL_BYTES, type LogView, type Publication } from "../../../../src/contracts/publication.ts";
import { Lookup } from "../../../../src/shard/subscriptions/lookup.ts";

const range = (from: number, to: number): Publication[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => ({
    kind: "pub",
    offset: from + n,
    body: `p${from + n}`,
  }));
const view = (from: number, to: number): LogView => ({
  logEpoch: "e",
  top: to,
  publications: range(from, to),
});

/** A lookup whose log answers when the test says so. */
function setUp() {
  const calls: { after: number; answer: (view: LogView) => void; fail: (error: Error) => void }[] = [];
  const learnt: { view: LogView; after: number }[] = [];
  const lookup = new Lookup({
    view: (after) => new Promise((answer, fail) => void calls.push({ after, answer, fail })),
    learn: (view, after) => void learnt.push({ view, after }),
  });
  return { lookup, calls, learnt, ask: (after: number) => lookup.ask(after, (found) => found) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("[DL6] all that ask at a time share one call, if it asks for enough", async () => {
  const { calls, learnt, ask } = setUp();
  const asked = [ask(2), ask(2), ask(5)];
  expect(calls.map(({ after }) => after)).toEqual([2]);
  calls[0]?.answer(view(3, 6));
  expect(await Promise.all(asked)).toEqual([view(3, 6), view(3, 6), view(3, 6)]);
  expect(learnt).toEqual([{ view: view(3, 6), after: 2 }]);
  expect(calls).toHaveLength(1);
});

test("[DL6] those that want more than the call asks for share the next one, which asks for the most", async () => {
  const { calls, ask } = setUp();
  const first = ask(5);
  const later = [ask(3), ask(1), ask(2)];
  calls[0]?.answer(view(6, 6));
  expect(await first).toEqual(view(6, 6));
  expect(calls.map(({ after }) => after)).toEqual([5, 1]);
  calls[1]?.answer(view(2, 6));
  expect(await Promise.all(later)).toEqual([view(2, 6), view(2, 6), view(2, 6)]);
});

test("[DL7] publications that are delivered meanwhile join on to what the log answers, once and in order", async () => {
  const { lookup, calls, learnt, ask } = setUp();
  // Without a call there is none to join.
  lookup.add("e", range(1, 4));
  const asked = ask(1);
  lookup.add("e", range(4, 5));
  lookup.add("e", range(6, 7));
  calls[0]?.answer(view(2, 5));
  expect(await asked).toEqual(view(2, 7));
  // The delivered ones are in the shard's memory already.
  expect(learnt).toEqual([{ view: view(2, 5), after: 1 }]);
});

test("[DL7] a publication that leaves a gap after the log's answer does not join it", async () => {
  const { lookup, calls, ask } = setUp();
  const asked = ask(1);
  lookup.add("e", range(7, 8));
  calls[0]?.answer(view(2, 5));
  expect(await asked).toEqual(view(2, 5));
});

test("[DL7] a waiter gets its view in the turn of the answer, before anything that is delivered later", async () => {
  const { lookup, calls } = setUp();
  const order: string[] = [];
  const asked = [
    lookup.ask(1, ({ top }) => order.push(`ann ${top}`)),
    lookup.ask(1, ({ top }) => order.push(`bob ${top}`)),
  ];
  calls[0]?.answer(view(2, 3));
  void Promise.resolve()
    .then(() => undefined)
    .then(() => order.push("a delivery"));
  await Promise.all(asked);
  await turn();
  expect(order).toEqual(["ann 3", "bob 3", "a delivery"]);
});

test("[DL3] a view of a log that was cleared meanwhile is not remembered, and the next one is", async () => {
  const { lookup, calls, learnt, ask } = setUp();
  // Without a call there is none to outdate.
  lookup.clear();
  const asked = ask(1);
  lookup.clear();
  calls[0]?.answer(view(2, 3));
  expect(await asked).toEqual(view(2, 3));
  expect(learnt).toEqual([]);
  const again = ask(1);
  calls[1]?.answer({ logEpoch: "e", top: 3, publications: [] });
  await again;
  expect(learnt).toHaveLength(1);
});

test("[DL6] a failed call fails all that asked, and the next to ask makes another call", async () => {
  const { calls, learnt, ask } = setUp();
  const asked = [ask(2), ask(2), ask(1)].map((one) => one.catch((error: unknown) => String(error)));
  calls[0]?.fail(new Error("unreachable"));
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 3 }, () => "Error: unreachable"));
  expect(learnt).toEqual([]);
  const again = ask(2);
  calls[1]?.answer(view(3, 3));
  expect(await again).toEqual(view(3, 3));
});

test("[DL6] a waiter that throws fails alone", async () => {
  const { lookup, calls, ask } = setUp();
  const broken = lookup.ask(1, () => {
    throw new Error("no room");
  });
  const asked = ask(1);
  calls[0]?.answer(view(2, 3));
  await expect(broken).rejects.toThrow("no room");
  expect(await asked).toEqual(view(2, 3));
});

test("[BD7] what is delivered while a view is on its way is remembered within bounds, and the newest of it counts", async () => {
  const { lookup, calls, ask } = setUp();
  const asked = ask(1);
  const body = "x".repeat(CALL_BYTES / 8);
  for (let offset = 6; offset <= 40; offset++) lookup.add("e", [{ kind: "pub", offset, body }]);
  calls[0]?.answer(view(2, 5));
  const found = await asked;
  expect([found.logEpoch, found.top]).toEqual(["e", 40]);
  expect(found.publications.map(({ offset }) => offset)).toEqual([33, 34, 35, 36, 37, 38, 39, 40]);
});

test("[DL7] publications of another log do not join a view", async () => {
  const { lookup, calls, ask } = setUp();
  const asked = ask(1);
  lookup.add("f", range(6, 7));
  calls[0]?.answer(view(2, 5));
  expect(await asked).toEqual(view(2, 5));
});
