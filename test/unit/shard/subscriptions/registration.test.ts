import { expect, test } from "vitest";
import type { Registration } from "../../../../src/contracts/log.ts";
import type { Delivery } from "../../../../src/contracts/orders.ts";
import { ChannelRegistration } from "../../../../src/shard/subscriptions/registration.ts";

const REGISTERED: Registration = { number: 1, logEpoch: "e", offset: 3, durable: true };
const delivery = (offset: number): Delivery => ({
  channel: "room",
  registration: 1,
  logEpoch: "e",
  durable: true,
  since: offset - 1,
  mayRepeat: false,
  entries: [{ kind: "pub", offset, body: `p${offset}` }],
});

/** A registration whose channel answers when the test says so; `log` has what happened, in its order. */
function setUp() {
  const registration = new ChannelRegistration();
  const calls: { answer: (registration: Registration | null) => void; fail: (error: Error) => void }[] = [];
  const log: string[] = [];
  const effects = {
    register: () => new Promise<Registration | null>((answer, fail) => void calls.push({ answer, fail })),
    onAnswer: (answer: Registration | null, early: readonly Delivery[]) => {
      log.push(`answer ${answer?.number ?? "none"}, early ${early.map(({ since }) => since + 1).join(" ")}`);
    },
    onFailure: () => undefined,
  };
  const ensure = async (name: string) => {
    try {
      await registration.ensure(effects);
      log.push(`${name} is registered`);
    } catch (error) {
      log.push(`${name}: ${String(error)}`);
    }
  };
  return { registration, calls, log, ensure };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A delivery that arrives now: kept where an answer is awaited. */
function keep({ early }: ChannelRegistration, arrived: Delivery): boolean {
  early?.push(arrived);
  return early !== undefined;
}

test("[SE1] all that wait share one call, and its answer is taken before any of them goes on", async () => {
  const { registration, calls, log, ensure } = setUp();
  expect(registration.isNone).toBe(true);
  const waiting = [ensure("ann"), ensure("bob")];
  expect(calls).toHaveLength(1);
  expect(registration.isNone).toBe(false);
  calls[0]?.answer(REGISTERED);
  await Promise.all(waiting);
  expect(log).toEqual(["answer 1, early ", "ann is registered", "bob is registered"]);
  await ensure("eve");
  expect(calls).toHaveLength(1);
});

test("[SE1] deliveries before the answer are kept for it in order, and later ones are not kept", async () => {
  const { registration, calls, log, ensure } = setUp();
  expect(keep(registration, delivery(1))).toBe(false);
  const waiting = ensure("ann");
  expect(keep(registration, delivery(4))).toBe(true);
  expect(keep(registration, delivery(5))).toBe(true);
  calls[0]?.answer(REGISTERED);
  await waiting;
  expect(log[0]).toBe("answer 1, early 4 5");
  expect(keep(registration, delivery(6))).toBe(false);
});

test("[SE1] a failed call fails all that wait for it, and the next makes another call", async () => {
  const { registration, calls, log, ensure } = setUp();
  const waiting = [ensure("ann"), ensure("bob")];
  calls[0]?.fail(new Error("unreachable"));
  await Promise.all(waiting);
  expect(log).toEqual(["ann: Error: unreachable", "bob: Error: unreachable"]);
  expect(registration.isNone).toBe(true);
  const again = ensure("ann");
  calls[1]?.answer(REGISTERED);
  await again;
  expect(log.at(-1)).toBe("ann is registered");
});

test("[DL8] after an answer without a registration all that wait share one further call", async () => {
  const { calls, log, ensure } = setUp();
  const waiting = [ensure("ann"), ensure("bob")];
  calls[0]?.answer(null);
  await turn();
  expect(calls).toHaveLength(2);
  calls[1]?.answer({ ...REGISTERED, number: 2 });
  await Promise.all(waiting);
  expect(log).toEqual(["answer none, early ", "answer 2, early ", "ann is registered", "bob is registered"]);
});

test("[SE5] a registration that is known from elsewhere needs no call", async () => {
  const { registration, calls, log, ensure } = setUp();
  registration.assume();
  expect(registration.isNone).toBe(false);
  expect(keep(registration, delivery(1))).toBe(false);
  await ensure("ann");
  expect(log).toEqual(["ann is registered"]);
  expect(calls).toEqual([]);
});
