import { describe, expect, test } from "vitest";
import { forget, ownAfter } from "../../../src/coordinator/scale-state.ts";
import type { Decision } from "../../../src/elastic/policy.ts";
import type { Descriptor } from "../../../src/ring/descriptor.ts";

const ring = (...ids: string[]): Descriptor => ({
  epoch: 1,
  seed: 0,
  defaultRegion: "auto",
  shards: ids.map((id) => ({ id, region: "auto", weight: 4, state: "active" })),
});
const add: Decision = { kind: "add", region: "auto", count: 1, part: 0.25, reason: "" };
const mine = { fullWeight: 16, since: 1 };

describe("[EL2] the policy knows the shards that it has added", () => {
  test("an added shard is the policy's, with the weight that it will have", () => {
    const own = ownAfter(
      {},
      { decision: add, before: ring("auto-1"), descriptor: ring("auto-1", "auto-2"), fullWeight: 16, now: 9 },
    );
    expect(own).toEqual({ "auto-2": { fullWeight: 16, since: 9 } });
  });

  test("years of additions and drains leave no more than the shards of the ring", () => {
    let own = {};
    let before = ring("auto-1");
    for (let n = 2; n < 2_000; n++) {
      const descriptor = ring("auto-1", `auto-${n}`);
      own = ownAfter(own, { decision: add, before, descriptor, fullWeight: 16, now: n });
      before = descriptor;
    }
    expect(own).toEqual({ "auto-1999": { fullWeight: 16, since: 1_999 } });
  });

  test("a shard that an operator names, and after a rollback every shard, is the operator's", () => {
    const own = { "auto-2": mine, "auto-3": mine };
    expect(forget(own, { kind: "weight", id: "auto-2", weight: 8 })).toEqual({ "auto-3": mine });
    expect(forget(own, { kind: "add", count: 1 })).toBe(own);
    expect(forget(own, { kind: "rollback", ringEpoch: 1 })).toEqual({});
  });
});
