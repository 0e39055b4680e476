import { runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { api, Client, keysOf, shardObject, startOver, until } from "./client.ts";

afterEach(() => startOver());

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
