import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Change } from "../../../src/contracts/change.ts";
import { planChange, type ChangeContext } from "../../../src/coordinator/plan-change.ts";
import type { Descriptor, ShardSpec } from "../../../src/ring/descriptor.ts";

const shard = (id: string, fields: Partial<ShardSpec> = {}): ShardSpec => ({
  id,
  region: "auto",
  weight: 16,
  state: "active",
  ...fields,
});

function context(shards: readonly ShardSpec[], fields: Partial<ChangeContext> = {}): ChangeContext {
  return {
    descriptor: { epoch: 7, seed: 0, shards, defaultRegion: "auto" },
    used: new Set(shards.map(({ id }) => id)),
    earlier: undefined,
    oldestEpoch: 1,
    shardsMax: 8,
    weight: 16,
    ...fields,
  };
}

const TWO = [shard("auto-1"), shard("auto-2")];

/** The shards after a change that MUST be one. */
function shardsAfter(change: Change, before: ChangeContext): readonly ShardSpec[] {
  const plan = planChange(change, before);
  if (plan.kind !== "changed") throw new Error(JSON.stringify(plan));
  expect(plan.descriptor.epoch).toBe(before.descriptor.epoch + 1);
  return plan.descriptor.shards;
}

describe("[MB2] an order that is carried out already changes nothing", () => {
  const cases: [what: string, change: Change, shards: readonly ShardSpec[]][] = [
    ["adding what is there", { kind: "add", ids: ["auto-1"] }, TWO],
    [
      "adding it with its own weight and region",
      { kind: "add", ids: ["auto-1"], weight: 16, region: "auto" },
      TWO,
    ],
    [
      "draining what drains",
      { kind: "drain", id: "auto-2" },
      [shard("auto-1"), shard("auto-2", { state: "draining" })],
    ],
    ["the weight that it has", { kind: "weight", id: "auto-2", weight: 16 }, TWO],
  ];
  for (const [what, change, shards] of cases) {
    test(what, () => expect(planChange(change, context(shards)).kind).toBe("unchanged"));
  }

  test("removing what is removed", () => {
    const before = context(TWO, { used: new Set(["auto-1", "auto-2", "auto-3"]) });
    expect(planChange({ kind: "remove", id: "auto-3" }, before).kind).toBe("unchanged");
  });

  test("rolling back to what is", () => {
    const before = context(TWO);
    const plan = planChange(
      { kind: "rollback", ringEpoch: 3 },
      { ...before, earlier: { ...before.descriptor, epoch: 3 } },
    );
    expect(plan.kind).toBe("unchanged");
  });
});

describe("[MB3] a removed shard never comes back by itself", () => {
  test("a number is not used again, in any region", () => {
    const used = new Set(["auto-1", "auto-2", "auto-9", "weur-3", "auto-x", "auto-2b"]);
    const ids = (region?: string) =>
      shardsAfter({ kind: "add", count: 2, region }, context(TWO, { used }))
        .slice(2)
        .map(({ id }) => id);
    expect(ids()).toEqual(["auto-10", "auto-11"]);
    expect(ids("weur")).toEqual(["weur-4", "weur-5"]);
    expect(ids("apac")).toEqual(["apac-1", "apac-2"]);
  });

  test("an operator brings back by name what drains or is gone", () => {
    const draining = [shard("auto-1"), shard("auto-2", { state: "draining" })];
    expect(shardsAfter({ kind: "add", ids: ["auto-2"] }, context(draining))).toEqual(TWO);
    const gone = context([shard("auto-1")], { used: new Set(["auto-1", "auto-2"]) });
    expect(shardsAfter({ kind: "add", ids: ["auto-2"] }, gone)).toEqual(TWO);
  });
});

describe("[MB4] a harmful change is refused with a reason", () => {
  const cases: [what: string, change: Change, code: string][] = [
    ["more than shards.max", { kind: "add", count: 7 }, "tooManyShards"],
    ["an id in another region", { kind: "add", ids: ["auto-1"], region: "weur" }, "conflict"],
    ["an id with another weight", { kind: "add", ids: ["auto-1"], weight: 3 }, "conflict"],
    ["draining an unknown shard", { kind: "drain", id: "auto-9" }, "notFound"],
    ["removing an unknown shard", { kind: "remove", id: "auto-9" }, "notFound"],
    ["weighing an unknown shard", { kind: "weight", id: "auto-9", weight: 2 }, "notFound"],
    ["an epoch that never was", { kind: "rollback", ringEpoch: 99 }, "notFound"],
    ["two ids of one hash", { kind: "add", ids: ["shard-96311", "shard-190567"] }, "badShards"],
    ["a weight of nothing", { kind: "weight", id: "auto-1", weight: 0 }, "badShards"],
  ];
  for (const [what, change, code] of cases) {
    test(what, () => expect(planChange(change, context(TWO))).toMatchObject({ kind: "refused", code }));
  }

  test("the last active shard stays", () => {
    const shards = [shard("auto-1"), shard("auto-2", { state: "draining" })];
    for (const kind of ["drain", "remove"] as const) {
      expect(planChange({ kind, id: "auto-1" }, context(shards))).toMatchObject({
        kind: "refused",
        code: "lastShard",
      });
    }
  });
});

test("[MB2] an id that is named twice in one order is added once", () => {
  expect(shardsAfter({ kind: "add", ids: ["x", "x"] }, context(TWO))).toEqual([...TWO, shard("x")]);
});

test("[MB3] counting goes on from the highest number, in whatever order they came", () => {
  const before = context(TWO, { used: new Set(["auto-9", "auto-1", "auto-2"]) });
  expect(shardsAfter({ kind: "add" }, before)).toEqual([...TWO, shard("auto-10")]);
});

test("[MB3] a rollback brings back by order what was removed since, as it was", () => {
  const present = context([shard("auto-1"), shard("auto-3")]);
  const shards = [shard("auto-1", { weight: 4 }), shard("auto-2", { region: "weur" })];
  const before = { ...present, earlier: { ...present.descriptor, epoch: 3, shards } };
  expect(shardsAfter({ kind: "rollback", ringEpoch: 3 }, before)).toEqual(shards);
});

test("[MB4] a ring above a limit that was lowered may change and shrink, but not grow", () => {
  const before = context([...TWO, shard("auto-3")], { shardsMax: 2 });
  expect(planChange({ kind: "weight", id: "auto-1", weight: 3 }, before).kind).toBe("changed");
  expect(planChange({ kind: "drain", id: "auto-1" }, before).kind).toBe("changed");
  expect(planChange({ kind: "remove", id: "auto-1" }, before).kind).toBe("changed");
  expect(planChange({ kind: "add" }, before)).toMatchObject({ kind: "refused", code: "tooManyShards" });
});

test("[MB1] a new shard has the cluster's own region and weight unless the order names others", () => {
  const present = context([shard("a")], { weight: 5 });
  const before = { ...present, descriptor: { ...present.descriptor, defaultRegion: "weur" } };
  expect(shardsAfter({ kind: "add" }, before)[1]).toEqual(shard("weur-1", { region: "weur", weight: 5 }));
  const named: Change = { kind: "add", ids: ["x"], region: "enam", weight: 7 };
  expect(shardsAfter(named, before)[1]).toEqual(shard("x", { region: "enam", weight: 7 }));
});

test("[MB1] a shard that differs from an earlier epoch's by its region alone is a change", () => {
  const present = context(TWO);
  const shards = [shard("auto-1", { region: "weur" }), shard("auto-2")];
  const before = { ...present, earlier: { ...present.descriptor, epoch: 3, shards } };
  expect(shardsAfter({ kind: "rollback", ringEpoch: 3 }, before)).toEqual(shards);
});

test("[MB1, MB4] any history of orders keeps a ring that works, and epochs that grow by one", () => {
  const id = fc.integer({ min: 1, max: 9 }).map((n) => `auto-${n}`);
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant("add" as const), ids: fc.array(id, { minLength: 1, maxLength: 3 }) }),
    fc.record({ kind: fc.constantFrom("drain" as const, "remove" as const), id }),
    fc.record({ kind: fc.constant("weight" as const), id, weight: fc.integer({ min: 1, max: 64 }) }),
    fc.record({ kind: fc.constant("rollback" as const), ringEpoch: fc.integer({ min: 1, max: 12 }) }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (orders) => {
      const first: Descriptor = { epoch: 1, seed: 0, shards: TWO, defaultRegion: "auto" };
      const history = new Map([[1, first]]);
      const used = new Set(TWO.map((one) => one.id));
      let present = first;
      for (const order of orders) {
        const before = structuredClone(present);
        const plan = planChange(order, {
          descriptor: present,
          used,
          earlier: order.kind === "rollback" ? history.get(order.ringEpoch) : undefined,
          oldestEpoch: 1,
          shardsMax: 6,
          weight: 16,
        });
        expect(present).toEqual(before);
        if (plan.kind !== "changed") continue;
        present = plan.descriptor;
        expect(present.epoch).toBe(before.epoch + 1);
        expect(present.shards.some(({ state }) => state === "active")).toBe(true);
        expect(new Set(present.shards.map((one) => one.id)).size).toBe(present.shards.length);
        expect(present.shards.length).toBeLessThanOrEqual(6);
        history.set(present.epoch, present);
        for (const one of present.shards) used.add(one.id);
      }
    }),
  );
});
