import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { api, Client, keysOf, shardObject, startOver, until } from "./client.ts";

afterEach(() => startOver());

/** The sockets that the platform holds for a shard. */
const heldSockets = (id: string): Promise<number> =>
  runInDurableObject(shardObject(id), (_, ctx) => ctx.getWebSockets().length);

const connectOne = async (id: string): Promise<Client> => {
  const [key = ""] = await keysOf(id, 1);
  return Client.connect(key);
};

describe("[BD20] every close is answered, and leaves no socket", () => {
  type End = readonly [code: number, reason: string, answer: number];
  const long = "\ufffd".repeat(100);
  const ends: readonly End[] = [
    [1000, "bye", 1000],
    [1005, "", 1000],
    [1006, "", 1000],
    [1015, "", 1000],
    [1004, "", 1000],
    [999, "", 1000],
    [2999, "", 1000],
    [5000, "", 1000],
    [1001, "away", 1001],
    [3000, "mine", 3000],
    [4999, "", 4999],
    [3000, long, 1000],
  ];
  for (const [code, reason, answer] of ends) {
    test(`a close with ${code} and ${reason.length} letters is answered with ${answer}`, async () => {
      const client = await connectOne("auto-1");
      await runInDurableObject(shardObject("auto-1"), (instance, ctx) => {
        const [socket] = ctx.getWebSockets();
        if (socket === undefined) throw new Error("the shard has no socket");
        instance.webSocketClose(socket, code, reason);
      });
      expect(await client.closed).toBe(answer);
      await until(async () => (await heldSockets("auto-1")) === 0);
    });
  }

  test("an end by an error is answered too", async () => {
    const client = await connectOne("auto-1");
    await runInDurableObject(shardObject("auto-1"), (instance, ctx) => {
      const [socket] = ctx.getWebSockets();
      if (socket === undefined) throw new Error("the shard has no socket");
      instance.webSocketError(socket);
    });
    expect(await client.closed).toBe(1009);
    await until(async () => (await heldSockets("auto-1")) === 0);
  });
});

describe("[BD21] of several sockets that close while their shard sleeps each ends as itself", () => {
  test("each of four members is heard to leave", async () => {
    const keys = await keysOf("auto-1", 4);
    const [other = ""] = await keysOf("auto-2", 1);
    const witness = await Client.connect(other);
    await witness.ask({ subscribe: { channel: "joins:room" } });
    const members = await Promise.all(keys.map((key) => Client.connect(key)));
    for (const member of members) await member.ask({ subscribe: { channel: "joins:room" } });
    const heard = (kind: "join" | "leave") =>
      new Set(
        witness.lines.flatMap(({ push }) => {
          const { info } = (push as Record<string, { info: { client: string } }> | undefined)?.[kind] ?? {};
          return info === undefined ? [] : [info.client];
        }),
      );
    await until(() => heard("join").size === 5);
    await evictDurableObject(shardObject("auto-1"), { webSockets: "hibernate" });
    for (const member of members) member.socket.close(3000, "bye");
    await Promise.all(members.map(({ closed }) => closed));
    await until(() => heard("leave").size === 4);
    expect((await api("presence_stats", { channel: "joins:room" })).result.num_clients).toBe(1);
    expect(await heldSockets("auto-1")).toBe(0);
  });
});
