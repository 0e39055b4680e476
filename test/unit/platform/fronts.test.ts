import { expect, test } from "vitest";
import { frontsOf, namespaceOfFront } from "../../../src/platform/fronts.ts";

/** The bindings of a deployment, as far as a front can be among them. */
const environment = (bindings: Record<string, unknown>) =>
  bindings as Partial<Cloudflare.Env> as Cloudflare.Env;
const namespace = { getByName: () => undefined };

test("[FR2] the fronts of a deployment are the first, and those that have a namespace of objects", () => {
  const env = environment({ SHARD: namespace, SHARD_SOCKETIO: namespace, CHANNEL: namespace });
  expect(frontsOf(env)).toEqual(["centrifuge", "socketio"]);
  expect(namespaceOfFront(env, "socketio")).toBe(namespace);
});

test("[FR2] a variable or another binding with such a name is no front", () => {
  const others = { SHARD_NOTE: "text", SHARD_LIMIT: 3, SHARD_TABLE: { a: 1 }, SHARD_KV: { get: () => null } };
  const env = environment({ SHARD: namespace, ...others, SHARD_NONE: null });
  expect(frontsOf(env)).toEqual(["centrifuge"]);
});

test("[FR2] a front without a binding has no shards", () => {
  const env = environment({ SHARD: namespace });
  expect(() => namespaceOfFront(env, "socketio")).toThrow(
    "there is no binding SHARD_SOCKETIO for the front socketio",
  );
});
