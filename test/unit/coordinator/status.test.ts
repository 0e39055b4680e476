import fc from "fast-check";
import { expect, test } from "vitest";
import type { ShardStatus } from "../../../src/contracts/shard.ts";
import { mergeStatus } from "../../../src/coordinator/status.ts";

const status = (fields: Partial<ShardStatus> = {}): ShardStatus => ({
  sessions: 0,
  users: 0,
  channels: 0,
  subscriptions: 0,
  wokeAt: 1_700_000_000_000,
  ringEpoch: 7,
  digest: "of epoch 7",
  ...fields,
});
const count = fc.nat(1_000);
const arbitraryStatus = fc
  .record({
    sessions: count,
    users: count,
    channels: count,
    subscriptions: count,
    wokeAt: count,
    ringEpoch: count,
  })
  .map((fields): ShardStatus => ({ ...fields, digest: `of epoch ${fields.ringEpoch}` }));

test("[FR2] a shard of which no front is known has no status", () => {
  expect(mergeStatus([])).toBeNull();
});

test("[FR2] a shard with one front has the status of that front", () => {
  fc.assert(
    fc.property(arbitraryStatus, (one) => {
      expect(mergeStatus([one])).toEqual(one);
    }),
  );
});

test("[FR2] the counters of a shard are the sums over its fronts", () => {
  const centrifuge = status({ sessions: 5, users: 4, channels: 3, subscriptions: 9 });
  const second = status({ sessions: 2, users: 2, channels: 1, subscriptions: 2 });
  expect(mergeStatus([centrifuge, second])).toEqual(
    status({ sessions: 7, users: 6, channels: 4, subscriptions: 11 }),
  );
});

test("[EL66] the guests of a shard are the sums over its fronts, and unknown where no front says", () => {
  const [one, other] = [status({ guests: { a: 2, b: 1 } }), status({ guests: { b: 4 } })];
  expect(mergeStatus([one, other])?.guests).toEqual({ a: 2, b: 5 });
  expect(mergeStatus([one, status()])?.guests).toEqual({ a: 2, b: 1 });
  expect(mergeStatus([status(), status()])?.guests).toBeUndefined();
});

test("[FR2] a shard is at the oldest ring of its fronts, and woke with the last of them", () => {
  fc.assert(
    fc.property(fc.array(arbitraryStatus, { minLength: 1, maxLength: 5 }), (statuses) => {
      const ringEpoch = Math.min(...statuses.map((one) => one.ringEpoch));
      const wokeAt = Math.max(...statuses.map((one) => one.wokeAt));
      expect(mergeStatus(statuses)).toMatchObject({ ringEpoch, digest: `of epoch ${ringEpoch}`, wokeAt });
    }),
  );
});

test("[FR2] the order of the fronts changes nothing", () => {
  fc.assert(
    fc.property(fc.array(arbitraryStatus, { maxLength: 5 }), (statuses) => {
      expect(mergeStatus(statuses.toReversed())).toEqual(mergeStatus(statuses));
    }),
  );
});
