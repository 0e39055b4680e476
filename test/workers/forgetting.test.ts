import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { api, channelObject, Client, keysOf, shard, shardObject, startOver, until } from "./client.ts";

afterEach(async () => {
  vi.useRealTimers();
  await startOver();
});

const rowsOf = (stub: DurableObjectStub, table: string) =>
  runInDurableObject(
    stub,
    (_, { storage }) => storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
  );

/** Two minutes later, the shard's alarm rings. */
async function passMinutes(): Promise<void> {
  vi.useFakeTimers({ now: Date.now() + 120_000, toFake: ["Date"] });
  await runDurableObjectAlarm(shardObject("auto-1"));
}

test("[BD12] shard and channel forget each other when everybody has left a channel in which nothing is published", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const ann = await Client.connect(key);
  for (const channel of ["kept:a", "room"]) {
    await ann.ask({ subscribe: { channel } });
    await ann.ask({ unsubscribe: { channel } });
    expect(await rowsOf(channelObject(channel), "listeners")).toBe(1);
  }
  await passMinutes();
  await until(async () => (await rowsOf(shardObject("auto-1"), "registered")) === 0);
  for (const channel of ["kept:a", "room"]) expect(await rowsOf(channelObject(channel), "listeners")).toBe(0);
  expect((await shard("auto-1").status(CONTRACT)).channels).toBe(0);
});

test("[BD12] a listener that comes while its shard is being forgotten hears every publication", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const ann = await Client.connect(key);
  await ann.ask({ subscribe: { channel: "kept:a" } });
  await ann.ask({ unsubscribe: { channel: "kept:a" } });
  await Promise.all([passMinutes(), ann.ask({ subscribe: { channel: "kept:a" } })]);
  await api("publish", { channel: "kept:a", data: 1 });
  await until(() => ann.heard("kept:a").includes(1));
  await until(async () => (await rowsOf(channelObject("kept:a"), "listeners")) === 1);
});
