import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { Shard } from "../../src/shard/shard.ts";
import { shardStub } from "../../src/platform/calls.ts";
import { frontsOf } from "../../src/platform/fronts.ts";
import { api, changeRing, coordinatorObject, nameOf, startOver } from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

describe("[FR2] a deployment without the binding of a second front works as if that front did not exist", () => {
  test("its only front is the first, also if a variable has the name of a binding", () => {
    expect(frontsOf(env)).toEqual(["centrifuge"]);
    expect(frontsOf(Object.assign({ ...env }, { SHARD_LINE: "a variable" }))).toEqual(["centrifuge"]);
    expect(frontsOf({ ...env, SHARD_LINE: env.SHARD })).toEqual(["centrifuge", "line"]);
  });

  test("the coordinator calls each shard once", async () => {
    const methods = ["adopt", "predict", "status", "carryOut", "sessionsUpTo", "channelsPage"] as const;
    const spies = methods.map((method) => vi.spyOn(Shard.prototype, method));
    const timesCalled = () => spies.map(({ mock }) => mock.contexts.map(nameOf).toSorted());
    await changeRing({ kind: "add", count: 1 });
    await coordinatorObject().cluster(CONTRACT);
    await api("send", { user: "ann", data: 1, mode: "fanout" });
    await coordinatorObject().sessionsOf("ann", CONTRACT);
    await api("channels", {});
    const four = ["auto/auto-1", "auto/auto-2", "auto/auto-3", "auto/auto-4"];
    const five = [...four, "auto/auto-5"];
    expect(timesCalled()).toEqual([five, four, five, five, five, five]);
  });

  test("a call to a shard of a front without a binding fails with a sentence", () => {
    const shard = { front: "line", name: "auto/auto-1", region: "auto" };
    expect(() => shardStub(env, shard)).toThrow("there is no binding SHARD_LINE for the front line");
  });
});
