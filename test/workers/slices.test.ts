import { runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { Emitter } from "../../src/shard/subscriptions/emitter.ts";
import { api, Client, keysOf, shardObject, startOver, until } from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

test("[BD103] a shard in which too much waits refuses deliveries, and their channels send kept publications again", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const client = await Client.connect(key);
  await client.ask({ subscribe: { channel: "kept:much" } });
  await api("publish", { channel: "kept:much", data: 1 });
  await until(() => client.heard("kept:much").length === 1);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const full = vi.spyOn(Emitter.prototype, "isFull", "get").mockReturnValue(true);
  for (const data of [2, 3, 4]) await api("publish", { channel: "kept:much", data });
  await until(() => full.mock.calls.length > 2);
  expect(client.heard("kept:much")).toEqual([1]);
  full.mockRestore();
  await until(() => client.heard("kept:much").length === 4);
  expect(client.heard("kept:much")).toEqual([1, 2, 3, 4]);
});

test("[BD28] a large emission is cut into slices, and nothing overtakes within a session", async () => {
  const keys = await keysOf("auto-1", 60);
  const clients = await Promise.all(keys.map((key) => Client.connect(key)));
  for (const client of clients) {
    await client.ask({ subscribe: { channel: "kept:large" } });
    await client.ask({ subscribe: { channel: "small" } });
  }
  let [inTurn, largest] = [0, 0];
  await runInDurableObject(shardObject("auto-1"), (_, ctx) => {
    for (const socket of ctx.getWebSockets()) {
      const send = socket.send.bind(socket);
      socket.send = (text: string) => {
        // A slice awaits nothing, so the counter starts anew after it.
        if (inTurn === 0) queueMicrotask(() => (inTurn = 0));
        inTurn += text.length;
        largest = Math.max(largest, inTurn);
        send(text);
      };
    }
  });
  const data = "x".repeat(200_000);
  const [first = "", ...rest] = ["large-1", "large-2", "large-3"].map((name) => name + data);
  await api("publish", { channel: "kept:large", data: first });
  await api("publish", { channel: "small", data: "between" });
  for (const one of rest) await api("publish", { channel: "kept:large", data: one });
  await until(() => clients.every((client) => client.heard("kept:large").length === 3));
  // 60 sockets of 200 KB each are 12 MB.
  expect(largest).toBeLessThan(6_000_000);
  for (const client of clients) {
    const offsets = client.lines.flatMap(({ push }) => {
      const { offset } = (push?.pub ?? {}) as { offset?: number };
      return push?.channel === "kept:large" && offset !== undefined ? [offset] : [];
    });
    expect(offsets).toEqual([1, 2, 3]);
    expect(client.heard("small")).toEqual(["between"]);
  }
});
