import { env } from "cloudflare:workers";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { Shard } from "../../src/shard/shard.ts";
import { channelStub } from "../../src/platform/calls.ts";
import {
  api,
  channelObject,
  Client,
  Gate,
  keysOf,
  positionsOf,
  shard,
  shardObject,
  startOver,
  until,
} from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

const BROADCAST = "ringcast:broadcast";

const publish = (channel: string, data: unknown) => api("publish", { channel, data });

const unsubscribed = (client: Client) =>
  client.lines.flatMap(({ push }) => (push !== undefined && "unsubscribe" in push ? [push] : []));

/** The platform refuses each value of positions, as it does with a value over 2 MB. */
const refusePositions = (): Promise<void> =>
  runInDurableObject(shardObject("auto-1"), (_, { storage }) => {
    const put = storage.kv.put.bind(storage.kv);
    const refuse = (key: string, value: unknown): void => {
      if (/^positions(:\d+)?$/.test(key)) throw new Error("string or blob too big: SQLITE_TOOBIG");
      put(key, value);
    };
    Object.defineProperty(storage.kv, "put", { configurable: true, value: refuse });
  });

test("[BD10, DL8] positions that could not be stored are forgotten with a sleep: the subscribers begin anew, and hear nothing twice", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const ann = await Client.connect(key);
  const reply = await ann.ask({ subscribe: { channel: "kept:a" } });
  const { epoch } = reply["subscribe"] as { epoch: string };
  await publish("kept:a", 1);
  await until(async () => (await positionsOf(shardObject("auto-1"))).get("kept:a") === 1);
  await refusePositions();
  for (const data of [2, 3]) await publish("kept:a", data);
  await until(() => ann.heard("kept:a").length === 3);

  await evictDurableObject(shardObject("auto-1"), { webSockets: "hibernate" });
  // The channel does not know either how much of it has arrived.
  await evictDurableObject(channelObject("kept:a"));
  await publish("kept:a", 4);
  await until(() => unsubscribed(ann).length > 0 || ann.heard("kept:a").includes(4));
  const again = await ann.ask({ subscribe: { channel: "kept:a", recover: true, offset: 3, epoch } });
  const missed = (again["subscribe"] as { publications?: { data: unknown }[] }).publications ?? [];
  expect([...ann.heard("kept:a"), ...missed.map(({ data }) => data)]).toEqual([1, 2, 3, 4]);
});

test("[BD10, DL8] a shard that crashed does not believe its old positions after a sleep with a new socket", async () => {
  const [key = "", other = ""] = await keysOf("auto-1", 2);
  const ann = await Client.connect(key);
  await publish(BROADCAST, 1);
  await until(async () => (await positionsOf(shardObject("auto-1"))).get(BROADCAST) === 1);
  const { epoch } = ann.lines
    .map((line) => line["connect"] as { subs: Record<string, { epoch: string }> } | undefined)
    .find((connect) => connect !== undefined)?.subs[BROADCAST] ?? { epoch: "" };
  await publish(BROADCAST, 2);
  await until(() => ann.heard(BROADCAST).length === 2);
  await shard("auto-1")
    .crash()
    .catch(() => undefined);
  // A socket that has not sent its connect yet: the shard asks nobody where it is.
  await Client.open(other);
  await evictDurableObject(shardObject("auto-1"), { webSockets: "hibernate" });

  const back = await Client.open(key);
  const reply = await back.ask({
    connect: { subs: { [BROADCAST]: { recover: true, offset: 1, epoch } } },
  });
  const { subs } = reply["connect"] as { subs: Record<string, { publications?: { data: unknown }[] }> };
  expect(subs[BROADCAST]?.publications?.map(({ data }) => data)).toEqual([2]);
});

test("[BD11] a register call that is late, and of a life of the shard that has ended, skips no publication", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const ann = await Client.connect(key);
  await ann.ask({ subscribe: { channel: "kept:a" } });
  const gate = new Gate();
  let held = false;
  const deliver = Shard.prototype.deliver;
  vi.spyOn(Shard.prototype, "deliver").mockImplementation(async function (
    this: InstanceType<typeof Shard>,
    ...args
  ) {
    held = true;
    await gate.pass();
    return deliver.apply(this, args);
  });
  await publish("kept:a", 1);
  await until(() => held);
  // The second waits for the answer to the first.
  await publish("kept:a", 2);
  await channelStub(env, "kept:a").register(
    { front: "centrifuge", name: "auto/auto-1", region: "auto" },
    null,
    CONTRACT,
  );
  gate.open();
  await until(() => ann.heard("kept:a").length >= 2);
  await publish("kept:a", 3);
  await until(() => ann.heard("kept:a").includes(3));
  expect(ann.heard("kept:a")).toEqual([1, 2, 3]);
});
