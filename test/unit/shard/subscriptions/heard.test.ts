import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Delivery } from "../../../../src/contracts/orders.ts";
import type { Publication } from "../../../../src/contracts/publication.ts";
import {
  planDelivery,
  readmit,
  type DeliveryPlan,
  type Heard,
} from "../../../../src/shard/subscriptions/heard.ts";
import { E, epochOf, F, G } from "./epochs.ts";

const range = (from: number, to: number): Publication[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => ({
    kind: "pub",
    offset: from + n,
    body: `p${from + n}`,
  }));

/** A call of the channel with the publications from one offset to another. */
const delivery = (from: number, to: number, fields: Partial<Delivery> = {}): Delivery => ({
  channel: "room",
  registration: 1,
  logEpoch: E,
  durable: true,
  since: from - 1,
  mayRepeat: false,
  entries: range(from, to),
  ...fields,
});

const UNKNOWN: Heard = { kind: "unknown" };
const known = (
  offset: number,
  fields: { durable?: boolean; superseded?: string; logEpoch?: string } = {},
): Heard => {
  const { durable = true, superseded, logEpoch = E } = fields;
  return {
    kind: "known",
    position: { logEpoch, offset },
    durable,
    superseded: superseded === undefined ? undefined : at(1, superseded),
  };
};
const at = (offset: number, logEpoch = E) => ({ logEpoch, offset });
const applied = (fields: Partial<Extract<DeliveryPlan, { kind: "apply" }>>) => ({
  kind: "apply",
  giveUp: false,
  pull: false,
  superseded: undefined,
  ...fields,
});

describe("the plan of a shard for a delivery", () => {
  const cases: [what: string, heard: Heard, sent: Delivery, plan: unknown][] = [
    ["[DL1] the next delivery is applied", known(3), delivery(4, 5), applied({ from: at(3) })],
    [
      "[DL1] a repeated delivery is applied after what was heard",
      known(5),
      delivery(4, 5),
      applied({ from: at(5) }),
    ],
    ["[DL1] a gap is fetched first", known(3), delivery(6, 7), applied({ from: at(3), pull: true })],
    [
      "[DL1] joins and leaves alone show no gap",
      known(3),
      delivery(1, 0, { since: 6, entries: [{ kind: "join", body: "j" }] }),
      applied({ from: at(3) }),
    ],
    [
      "[DL8] a shard that does not know its position takes a delivery that cannot be a repeat",
      UNKNOWN,
      delivery(7, 7),
      applied({ from: at(6) }),
    ],
    [
      "[DL8] a shard that does not know its position gives up where the delivery may repeat",
      UNKNOWN,
      delivery(7, 7, { mayRepeat: true }),
      applied({ from: at(6), giveUp: true }),
    ],
    [
      "[DL8] another log makes listeners begin anew",
      known(3),
      delivery(7, 7, { logEpoch: F }),
      applied({ from: at(6, F), giveUp: true, superseded: at(3) }),
    ],
    [
      "[DL8] the log is asked about a delivery of the log before",
      known(6, { logEpoch: F, superseded: E }),
      delivery(4, 4),
      { kind: "ask" },
    ],
    [
      "[DL8] the log is asked about a delivery of the log that the shard gave up",
      { kind: "unknown", superseded: at(1) },
      delivery(4, 4),
      { kind: "ask" },
    ],
    [
      "[BD100] the log is asked about a delivery whose log epoch does not say that it is newer",
      known(3),
      delivery(4, 4, { logEpoch: "38e8ba18" }),
      { kind: "ask" },
    ],
    [
      "[BD100] the log is asked about a delivery of a log before the last",
      known(6, { logEpoch: G, superseded: F }),
      delivery(4, 4),
      { kind: "ask" },
    ],
    [
      "[LG5] a channel that keeps nothing has no gap",
      known(3, { durable: false }),
      delivery(6, 6, { durable: false }),
      applied({ from: at(3) }),
    ],
    [
      "[LG5] a channel that keeps nothing begins anew with another life, and no listener gives up",
      known(3, { durable: false }),
      delivery(2, 2, { durable: false, logEpoch: F }),
      applied({ from: at(0, F), superseded: at(3) }),
    ],
    [
      "[LG5] a channel that keeps nothing may repeat to a shard that does not know its position",
      UNKNOWN,
      delivery(2, 2, { durable: false, mayRepeat: true }),
      applied({ from: at(0) }),
    ],
  ];
  test.each(cases)("%s", (_, heard, sent, plan) => {
    expect(planDelivery(heard, sent)).toEqual(plan);
  });
});

test("[BD100] a log that seemed superseded goes on where the shard was, and where it keeps publications, unknown", () => {
  const heard = known(2, { durable: false, logEpoch: F, superseded: E });
  expect(readmit(heard, { logEpoch: E, durable: false })).toEqual({
    kind: "known",
    position: at(1),
    durable: false,
    superseded: at(2, F),
  });
  const kept = readmit(known(2, { logEpoch: F, superseded: E }), { logEpoch: E, durable: true });
  expect(kept).toEqual(known(2, { logEpoch: F }));
  expect(planDelivery(kept, delivery(4, 4), { isPresent: true })).toMatchObject({
    kind: "apply",
    giveUp: true,
  });
});

/** Applies a delivery by its plan, where the log holds every publication up to the delivery's last. */
function apply(heard: Heard, sent: Delivery): { heard: Heard; told: number[]; gaveUp: boolean } {
  const plan = planDelivery(heard, sent);
  if (plan.kind === "ask") return { heard, told: [], gaveUp: false };
  const offsets = sent.entries.flatMap((event) => (event.kind === "pub" ? [event.offset] : []));
  const fetched = plan.pull ? range(plan.from.offset + 1, offsets[0] ?? 0).map(({ offset }) => offset) : [];
  const from = fetched.at(-1) ?? plan.from.offset;
  const told = [...fetched, ...offsets.filter((offset) => offset > from)];
  const position = { logEpoch: sent.logEpoch, offset: told.at(-1) ?? from };
  return {
    heard: { kind: "known", position, durable: sent.durable, superseded: plan.superseded },
    told,
    gaveUp: plan.giveUp,
  };
}

test("[DL1] deliveries that overlap, repeat and leave gaps make every publication heard once and in order", () => {
  const slices = fc.array(
    fc.record({ from: fc.integer({ min: 1, max: 40 }), length: fc.integer({ min: 1, max: 8 }) }),
    {
      maxLength: 30,
    },
  );
  fc.assert(
    fc.property(fc.nat(20), slices, (start, slices) => {
      let heard = known(start);
      const told: number[] = [];
      for (const { from, length } of slices) {
        const step = apply(heard, delivery(from, from + length - 1, { mayRepeat: true }));
        expect(step.gaveUp).toBe(false);
        heard = step.heard;
        told.push(...step.told);
      }
      expect(told).toEqual(told.map((_, n) => start + 1 + n));
      const newest = Math.max(start, ...slices.map(({ from, length }) => from + length - 1));
      expect(heard).toMatchObject({ position: { offset: newest } });
    }),
  );
});

test("[DL8] a plan that keeps the listeners begins where the shard knows that they are", () => {
  const epoch = fc.constantFrom(E, F, G);
  const arbitraryHeard = fc.record({
    superseded: fc.option(fc.record({ logEpoch: epoch, offset: fc.nat(20) }), { nil: undefined }),
    position: fc.option(fc.record({ logEpoch: epoch, offset: fc.nat(20) })),
  });
  const arbitraryDelivery = fc.record({
    logEpoch: epoch,
    from: fc.integer({ min: 1, max: 20 }),
    mayRepeat: fc.boolean(),
  });
  fc.assert(
    fc.property(arbitraryHeard, arbitraryDelivery, ({ superseded, position }, { from, ...sent }) => {
      fc.pre(superseded === undefined || superseded.logEpoch !== position?.logEpoch);
      const heard: Heard =
        position === null
          ? { kind: "unknown", superseded }
          : { kind: "known", position, durable: true, superseded };
      const plan = planDelivery(heard, delivery(from, from + 2, sent));
      const latest = position ?? superseded;
      const isOlder = latest !== undefined && sent.logEpoch < latest.logEpoch;
      expect(plan.kind === "ask").toBe(isOlder || sent.logEpoch === superseded?.logEpoch);
      if (plan.kind === "ask" || plan.giveUp) return;
      if (position === null) {
        // The first that the shard hears of it: nothing before it can have been sent here.
        expect(sent.mayRepeat).toBe(false);
        expect(plan.from).toEqual({ logEpoch: sent.logEpoch, offset: from - 1 });
      } else {
        expect(plan.from).toEqual(position);
        expect(sent.logEpoch).toBe(position.logEpoch);
        expect(plan.pull).toBe(from - 1 > position.offset);
      }
    }),
  );
});

test("[LG5] a channel that keeps nothing is heard at most once, through its lives, and no listener gives up", () => {
  const calls = fc.array(
    fc.record({
      /** The next life of the channel, or a late call of an earlier one. */
      step: fc.constantFrom("same", "same", "same", "next", "late"),
      earlier: fc.integer({ min: 1, max: 4 }),
      from: fc.integer({ min: 1, max: 10 }),
      length: fc.integer({ min: 1, max: 5 }),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(calls, (calls) => {
      let life = 1;
      let heard: Heard = UNKNOWN;
      const told: string[] = [];
      for (const { step, earlier, from, length } of calls) {
        if (step === "next") life += 1;
        const logEpoch = epochOf(step === "late" ? Math.max(1, life - earlier) : life);
        const applied = apply(
          heard,
          delivery(from, from + length - 1, { durable: false, mayRepeat: true, logEpoch }),
        );
        expect(applied.gaveUp).toBe(false);
        heard = applied.heard;
        told.push(...applied.told.map((offset) => `${logEpoch}: ${offset}`));
      }
      expect(new Set(told).size).toBe(told.length);
    }),
  );
});
