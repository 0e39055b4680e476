import { describe, expect, test } from "vitest";
import { api, checkAnswers, cluster, Listener, useApiCluster } from "../support/api-cluster.ts";
import { eventually } from "../support/cluster.ts";

useApiCluster();

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

describe("[AP5] an order about a user holds for every session of the user", () => {
  /** Two sessions of one user: one on the owner of the user's name, and one on another shard. */
  async function both(user: string): Promise<[Listener, Listener]> {
    const ownerOf = async (key: string) => (await cluster.admin("GET", `/explain?key=${key}`)).body.owner;
    const home = await ownerOf(user);
    let key = "";
    for (let n = 0; key === ""; n++) if ((await ownerOf(`${user}-${n}`)) !== home) key = `${user}-${n}`;
    const sessions: [Listener, Listener] = [await Listener.of(user), await Listener.of(user, { key })];
    const { body } = await cluster.admin("GET", `/users/${user}/sessions`);
    expect(new Set(body.sessions.map(({ shard }: any) => shard)).size).toBe(2);
    return sessions;
  }

  test("a message in mode `auto` and a `disconnect` reach both sessions; mode `ring` reaches the one on the owner", async () => {
    const sessions = await both("two");
    const bystander = await Listener.of("three");
    const { result } = await api.call("send", { user: "two", data: { hello: 1 } });
    expect(result).toMatchObject({ mode: "fanout", delivered: 2, offline: [], calls: 5 });
    expect(result.shards).toHaveLength(4);
    await eventually(() => sessions.every(({ messages }) => messages.length === 1));
    expect(sessions.map(({ messages }) => messages)).toEqual([[{ hello: 1 }], [{ hello: 1 }]]);
    const ring = (await api.call("send", { users: ["two", "nobody"], data: 2, mode: "ring" })).result;
    expect(ring).toMatchObject({ mode: "ring", delivered: 1, offline: ["nobody"] });
    const disconnect = { code: 4500, reason: "bye" };
    expect(await api.call("disconnect", { user: "two", disconnect })).toEqual({ result: {} });
    await eventually(() => sessions.every(({ ended }) => ended.length === 1));
    expect(sessions.map(({ ended }) => ended)).toEqual([[disconnect], [disconnect]]);
    expect([bystander.messages, bystander.ended]).toEqual([[], []]);
  });

  test("a user may have any name", async () => {
    const proto = await Listener.of("__proto__");
    const { result } = await api.call("send", { users: ["__proto__", "nobody"], data: 1 });
    expect(result).toMatchObject({ delivered: 1, offline: ["nobody"] });
    await eventually(() => proto.messages.length === 1);
  });

  test("a disconnect leaves the clients of its whitelist; a disconnect that names one client leaves all others", async () => {
    const [one, other] = await both("white");
    await api.call("disconnect", { user: "white", whitelist: [one.id] });
    await eventually(() => other.ended.length === 1);
    const third = await Listener.of("white", { key: "third" });
    await api.call("disconnect", { user: "white", client: third.id });
    await eventually(() => third.ended.length === 1);
    expect(one.ended).toEqual([]);
    expect(await api.call("disconnect", { user: "nobody", client: one.id })).toEqual({ result: {} });
    const { result } = await api.call("send", { user: "white", data: "still here" });
    expect(result.delivered).toBe(1);
    await eventually(() => one.messages.length === 1);
  });

  test("`subscribe` gives data, shows info, and sends the publications after a position", async () => {
    const [one, other] = await both("subs");
    const channel = "kept:subs";
    const { result } = await api.call("publish", { channel, data: 1 });
    for (const data of [2, 3]) await api.call("publish", { channel, data });
    const params = { user: "subs", channel, data: { welcome: true }, info: { role: "x" } };
    expect(await api.call("subscribe", { ...params, recover_since: result })).toEqual({ result: {} });
    for (const { client, subscribed, heard, id } of [one, other]) {
      await eventually(() => heard.length === 2);
      expect(client.state).toBe("connected");
      expect(subscribed).toEqual([{ channel, data: { welcome: true } }]);
      expect(heard.map(({ data, offset }) => [data, offset])).toEqual([
        [2, 2],
        [3, 3],
      ]);
      const { presence } = (await api.call("presence", { channel })).result;
      expect(presence[id]).toEqual({ client: id, user: "subs", chan_info: { role: "x" } });
    }
    await api.call("publish", { channel, data: 4 });
    await eventually(() => one.heard.at(-1)?.data === 4 && other.heard.at(-1)?.data === 4);
    // A repeated subscribe has no effect.
    await api.call("subscribe", params);
    await api.call("unsubscribe", { user: "subs", channel });
    await eventually(() => one.unsubscribed.length === 1 && other.unsubscribed.length === 1);
    await eventually(
      async () => Object.keys((await api.call("presence", { channel })).result.presence).length === 0,
    );
    expect(one.subscribed.length + other.subscribed.length).toBe(2);
  });

  test("`unsubscribe` also ends a client's own subscription, and the client does not subscribe again", async () => {
    const listener = await (await Listener.of("own")).on("kept:own");
    await api.call("unsubscribe", { user: "own", channel: "kept:own" });
    await eventually(() => listener.unsubscribed.length === 1);
    expect(listener.client.getSubscription("kept:own")?.state).toBe("unsubscribed");
  });

  test("a subscription ends at `expire_at`", async () => {
    const listener = await Listener.of("brief");
    await api.call("subscribe", { user: "brief", channel: "kept:brief", expire_at: inSeconds(1) });
    await eventually(() => listener.ended.length === 1);
    expect(listener.ended[0]).toEqual({ code: 3006, reason: "subscription expired" });
  });

  test("`refresh` sets the time at which a connection expires, or expires it at once", async () => {
    const [one, other] = await both("fresh");
    await api.call("refresh", { user: "fresh", client: one.id, expire_at: inSeconds(1) });
    await api.call("refresh", { user: "fresh", client: other.id, expire_at: inSeconds(600) });
    await eventually(() => one.ended.length === 1);
    expect(one.ended[0]).toEqual({ code: 3005, reason: "connection expired" });
    expect(other.ended).toEqual([]);
    await api.call("refresh", { user: "fresh", client: other.id, expired: true });
    await eventually(() => other.ended.length === 1);
    expect(other.ended[0]).toEqual({ code: 3005, reason: "connection expired" });
  });
});

test("[AP6] every answer of these tests fits its schema", async () => {
  expect((await checkAnswers()).size).toBeGreaterThan(0);
});
