import { expect, test } from "vitest";
import { actionsFor, requestFor } from "../../../src/console/model/change-request.ts";

const fields = { count: 2, region: "weur", weight: 16 };

test("each action on a shard is a request of its own, and a crash is no change of the ring", () => {
  const shard = { kind: "shard", id: "a/1" } as const;
  expect(requestFor(shard, "drain", fields)).toEqual({
    method: "POST",
    path: "/shards/a%2F1/drain",
    body: {},
  });
  expect(requestFor(shard, "weight", fields)).toEqual({
    method: "PATCH",
    path: "/shards/a%2F1",
    body: { weight: 16 },
  });
  expect(requestFor(shard, "remove", fields)).toEqual({
    method: "DELETE",
    path: "/shards/a%2F1",
    body: undefined,
  });
  expect(requestFor(shard, "crash", fields)).toBeUndefined();
});

test("new shards need all fields, and a rollback needs the epoch", () => {
  expect(requestFor({ kind: "add" }, "add", fields)).toEqual({
    method: "POST",
    path: "/shards",
    body: fields,
  });
  expect(requestFor({ kind: "rollback", ringEpoch: 3 }, "rollback", fields)).toEqual({
    method: "POST",
    path: "/rollback",
    body: { epoch: 3 },
  });
});

test("only a cluster in development offers a crash", () => {
  const shard = { kind: "shard", id: "auto-1" } as const;
  expect(actionsFor(shard, { development: true })).toContain("crash");
  expect(actionsFor(shard, { development: false })).not.toContain("crash");
  expect(actionsFor({ kind: "add" }, { development: true })).toEqual(["add"]);
});
