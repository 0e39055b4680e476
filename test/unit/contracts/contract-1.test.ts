import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChangeAnswer } from "../../../src/contracts/change.ts";
import {
  changeTo1,
  doneTo1,
  outcomesTo1,
  readChange,
  readDelivered,
  readFannedOut,
  readOutcomes,
  readReached,
  readSent,
  sentTo1,
  type ChangeAnswer1,
  type Done1,
  type SentByRing1,
} from "../../../src/contracts/contract-1.ts";
import type { Delivered, Outcome, Reached, SentByRing } from "../../../src/contracts/orders.ts";
import type { Descriptor } from "../../../src/ring/descriptor.ts";

const count = fc.nat(1_000);
const users = fc
  .array(fc.tuple(fc.string({ maxLength: 6 }), fc.integer({ min: 1, max: 9 })), { maxLength: 5 })
  .map((entries) => new Map(entries));

const reached: fc.Arbitrary<Reached> = fc.record({ kind: fc.constant("reached"), sessions: count, users });
const delivered: fc.Arbitrary<Delivered> = fc.record({
  kind: fc.constantFrom("delivered", "noListeners"),
  sessions: count,
});
const descriptor: fc.Arbitrary<Descriptor> = fc.record({
  epoch: count,
  seed: count,
  shards: fc.constant([{ id: "weur-1", region: "weur", weight: 16, state: "active" } as const]),
  defaultRegion: fc.constant("weur"),
});
const sent: fc.Arbitrary<SentByRing> = fc.oneof(
  fc.record({ kind: fc.constant("sent" as const), reached, spilled: fc.boolean() }),
  fc.record({ kind: fc.constant("newer" as const), descriptor, spilled: fc.boolean() }),
);
const change: fc.Arbitrary<ChangeAnswer> = fc.oneof(
  fc.record({
    kind: fc.constant("refused" as const),
    code: fc.constantFrom("notFound" as const, "conflict", "lastShard", "tooManyShards", "badShards"),
    message: fc.string(),
  }),
  fc.record({
    kind: fc.constant("done" as const),
    result: fc.record({
      changed: fc.boolean(),
      dryRun: fc.boolean(),
      ringEpoch: count,
      cause: fc.string(),
      shards: descriptor.map(({ shards }) => shards),
      diff: fc.constant(null),
      predicted: fc.constant({ moving: 3, from: { "weur-1": 3 }, to: {}, unknown: [] }),
      told: fc.constant({ shards: 1, pending: ["weur-2"] }),
    }),
  }),
);
const outcome = <Done>(done: fc.Arbitrary<Done>): fc.Arbitrary<Outcome<Done>> =>
  fc.tuple(fc.string(), count, fc.option(done)).map(([name, ms, done]) => ({ name, ms, done }));

/** As a call carries it. */
const carried = <Value>(value: Value): Value => structuredClone(value);

describe("[CT1] an answer is the same to this release after a way through contract 1, and without it", () => {
  test("the sessions that an action reached", () => {
    fc.assert(
      fc.property(reached, (done) => {
        expect(readReached(carried(doneTo1(done)))).toEqual(done);
        expect(readReached(carried(done))).toEqual(done);
      }),
    );
  });

  test("the result of a delivery", () => {
    fc.assert(
      fc.property(delivered, (done) => {
        expect(readDelivered(carried(doneTo1(done)))).toEqual(done);
        expect(readDelivered(carried(done))).toEqual(done);
      }),
    );
  });

  test("the outcomes of a relay that delivers, and of one that acts", () => {
    fc.assert(
      fc.property(fc.array(outcome(delivered)), (outcomes) => {
        expect(readOutcomes(carried(outcomesTo1(outcomes)), readDelivered)).toEqual(outcomes);
        expect(readOutcomes(carried(outcomes), readDelivered)).toEqual(outcomes);
      }),
    );
    fc.assert(
      fc.property(fc.array(outcome(reached)), (outcomes) => {
        expect(readOutcomes(carried(outcomesTo1(outcomes)), readReached)).toEqual(outcomes);
        expect(readOutcomes(carried(outcomes), readReached)).toEqual(outcomes);
      }),
    );
  });

  test("a fan-out of the coordinator", () => {
    fc.assert(
      fc.property(count, fc.array(outcome(reached)), (calls, outcomes) => {
        const fanned = { calls, outcomes };
        expect(readFannedOut(carried({ calls, outcomes: outcomesTo1(outcomes) }))).toEqual(fanned);
        expect(readFannedOut(carried(fanned))).toEqual(fanned);
      }),
    );
  });

  test("a message by the ring", () => {
    fc.assert(
      fc.property(sent, (answer) => {
        expect(readSent(carried(sentTo1(answer)))).toEqual(answer);
        expect(readSent(carried(answer))).toEqual(answer);
      }),
    );
  });

  test("a change of the ring", () => {
    fc.assert(
      fc.property(change, (answer) => {
        expect(readChange(carried(changeTo1(answer)))).toEqual(answer);
        expect(readChange(carried(answer))).toEqual(answer);
      }),
    );
  });
});

describe("[CT1] an answer in the shape of release 0.1.0 is the same after it was read and told again", () => {
  const acted: fc.Arbitrary<Done1> = fc.record({ sessions: count, noListeners: fc.constant(false), users });
  const sent1: fc.Arbitrary<SentByRing1> = fc.oneof(
    fc.record({ newer: fc.constant(null), done: acted, spilled: fc.boolean() }),
    fc.record({ newer: descriptor, done: fc.constant(null), spilled: fc.boolean() }),
  );

  test("the sessions that an action reached", () => {
    fc.assert(
      fc.property(acted, (done) => {
        expect(doneTo1(readReached(done))).toEqual(done);
      }),
    );
  });

  test("the result of a delivery", () => {
    const one: fc.Arbitrary<Done1> = fc.record({
      sessions: count,
      noListeners: fc.boolean(),
      users: fc.constant(new Map<string, number>()),
    });
    fc.assert(
      fc.property(one, (done) => {
        expect(doneTo1(readDelivered(done))).toEqual(done);
      }),
    );
  });

  test("a message by the ring", () => {
    fc.assert(
      fc.property(sent1, (answer) => {
        expect(sentTo1(readSent(answer))).toEqual(answer);
      }),
    );
  });

  test("a change of the ring", () => {
    const refused: ChangeAnswer1 = { result: null, refused: { code: "lastShard", message: "the last" } };
    expect(changeTo1(readChange(refused))).toEqual(refused);
  });
});

test("[CT1] an answer to contract 1 has the fields of contract 1 and no other", () => {
  const fields = (value: object) => Object.keys(value).toSorted();
  fc.assert(
    fc.property(fc.oneof(reached, delivered), sent, change, (done, message, answer) => {
      expect(fields(doneTo1(done))).toEqual(["noListeners", "sessions", "users"]);
      expect(fields(sentTo1(message))).toEqual(["done", "newer", "spilled"]);
      expect(fields(changeTo1(answer))).toEqual(["refused", "result"]);
    }),
  );
});
