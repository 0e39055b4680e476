import { CentMethods } from "cent.js/dist/cent-methods.enum.js";
import { describe, expect, test } from "vitest";
import { api, checkAnswers, cluster, Listener, position, useApiCluster } from "../support/api-cluster.ts";
import { eventually } from "../support/cluster.ts";

useApiCluster();

const UNKNOWN = {
  code: 102,
  message: 'unknown channel: no namespace "nowhere"; it would be the variable RINGCAST_NS_nowhere',
};

describe("[AP1] cent.js, unmodified", () => {
  test("publishes with tags, without history, and to a channel that keeps nothing", async () => {
    const cent = api.cent();
    const listener = await (await (await Listener.of("ann")).on("kept:a")).on("passing:a");
    const first = await cent.publish({ channel: "kept:a", data: { n: 1 }, tags: { room: "x" } });
    expect(first).toEqual(position(1));
    expect(await cent.publish({ channel: "kept:a", data: { n: 2 }, skip_history: true })).toEqual({});
    expect(await cent.publish({ channel: "passing:a", data: { n: 3 } })).toEqual({});
    await eventually(() => listener.heard.length === 3);
    const byNumber = listener.heard.toSorted((a, b) => (a.data as any).n - (b.data as any).n);
    expect(byNumber).toEqual([
      { channel: "kept:a", data: { n: 1 }, offset: 1, tags: { room: "x" } },
      { channel: "kept:a", data: { n: 2 } },
      { channel: "passing:a", data: { n: 3 } },
    ]);
    expect(await cent.getHistory({ channel: "kept:a", limit: -1 })).toEqual({
      publications: [{ data: { n: 1 }, offset: 1, tags: { room: "x" } }],
      ...first,
    });
  });

  test("broadcasts, and gets an answer for each channel", async () => {
    const listener = await (await (await Listener.of("ann")).on("kept:b")).on("passing:b");
    const channels = ["kept:b", "nowhere:b", "passing:b"];
    expect(await api.cent().broadcast({ channels, data: { n: 1 } })).toEqual({
      responses: [{ result: position(1) }, { error: UNKNOWN }, { result: {} }],
    });
    await eventually(() => listener.heard.length === 2);
  });

  test("subscribes, unsubscribes, disconnects and refreshes", async () => {
    const cent = api.cent();
    const [one, other] = [await Listener.of("sue", { key: "k1" }), await Listener.of("sue", { key: "k2" })];
    expect(await cent.subscribe({ user: "sue", channel: "kept:s" })).toEqual({});
    await eventually(() => one.subscribed.length === 1 && other.subscribed.length === 1);
    expect(await cent.unsubscribe({ user: "sue", channel: "kept:s", client: one.id })).toEqual({});
    await eventually(() => one.unsubscribed.length === 1);
    await cent.publish({ channel: "kept:s", data: { n: 1 } });
    await eventually(() => other.heard.length === 1);
    expect([one.heard, other.unsubscribed]).toEqual([[], []]);
    expect(await cent.refresh({ user: "sue" })).toEqual({});
    expect(await cent.disconnect({ user: "sue", client: other.id })).toEqual({});
    await eventually(() => other.ended.length === 1);
    expect([one.ended, other.ended]).toEqual([[], [{ code: 3503, reason: "force disconnect" }]]);
    expect(await cent.disconnect({ user: "sue" })).toEqual({});
    await eventually(() => one.ended.length === 1);
    expect([one.client.state, other.client.state]).toEqual(["disconnected", "disconnected"]);
  });

  test("reads presence, history, channels and info", async () => {
    const cent = api.cent();
    const one = await (await Listener.of("pat", { key: "p1", info: { name: "Pat" } })).on("pat-a");
    const other = await (await (await Listener.of("pat", { key: "p2" })).on("pat-a")).on("pat-b");
    expect(await cent.getPresence({ channel: "pat-a" })).toEqual({
      presence: {
        [one.id]: { client: one.id, user: "pat", conn_info: { name: "Pat" } },
        [other.id]: { client: other.id, user: "pat" },
      },
    });
    expect(await cent.getPresence({ channel: "pat-nobody" })).toEqual({ presence: {} });
    expect(await cent.getPresenceStats({ channel: "pat-a" })).toEqual({ num_clients: 2, num_users: 1 });
    expect(await cent.getChannels({ pattern: "pat-*" })).toEqual({
      channels: { "pat-a": { num_clients: 2 }, "pat-b": { num_clients: 1 } },
    });
    expect(await cent.getChannels({ pattern: "pat-?" })).toEqual(
      await cent.getChannels({ pattern: "pat-*" }),
    );
    expect(await cent.getChannels({ pattern: "none-*" })).toEqual({ channels: {} });
    const all: string[] = Object.keys((await cent.getChannels()).channels);
    expect(all).toEqual(expect.arrayContaining(["pat-a", "pat-b"]));
    const { nodes } = await cent.getInfo();
    const whole = expect.any(Number);
    expect(nodes.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual(
      [1, 2, 3, 4].map((n) => ({
        uid: `auto/auto-${n}`,
        name: `auto-${n}`,
        version: expect.any(String),
        num_clients: whole,
        num_users: whole,
        num_subs: whole,
        num_channels: whole,
        uptime: whole,
      })),
    );
    const { shards } = (await cluster.admin("GET", "/cluster")).body;
    expect(nodes.reduce((sum, node) => sum + node.num_clients, 0)).toBe(
      shards.reduce((sum: number, { sessions }: any) => sum + sessions, 0),
    );
  });

  test("reads history from either end, and drops it", async () => {
    const cent = api.cent();
    const channel = "kept:h";
    for (const n of [1, 2, 3, 4]) await cent.publish({ channel, data: { n } });
    const at = async (query: object) =>
      (await cent.getHistory({ channel, ...query })).publications.map(({ offset }) => offset);
    const { publications, offset, epoch } = await cent.getHistory({ channel });
    expect({ publications, offset }).toEqual({ publications: [], offset: 4 });
    expect(await at({ limit: -1 })).toEqual([1, 2, 3, 4]);
    expect(await at({ limit: 2 })).toEqual([1, 2]);
    expect(await at({ limit: 2, since: { offset: 2, epoch } })).toEqual([3, 4]);
    expect(await at({ limit: 2, reverse: true })).toEqual([4, 3]);
    expect(await at({ limit: -1, reverse: true, since: { offset: 3, epoch } })).toEqual([2, 1]);
    expect(await cent.removeHistory({ channel })).toEqual({});
    expect(await cent.getHistory({ channel, limit: -1 })).toEqual({ publications: [], offset: 4, epoch });
    expect(await cent.publish({ channel, data: { n: 5 } })).toEqual({ offset: 5, epoch });
    expect(await at({ limit: -1 })).toEqual([5]);
  });

  test("sends many commands in one request of the older form", async () => {
    const results = await api.cent().pipeline([
      { method: CentMethods.Publish, params: { channel: "kept:p", data: { n: 1 } } },
      { method: CentMethods.Publish, params: { channel: "kept:p", data: { n: 2 } } },
    ]);
    expect(results).toEqual([position(1), position(2)]);
  });

  test("rejects when the server answers with an error", async () => {
    // The library makes this text of an error that is an object.
    await expect(api.cent().publish({ channel: "nowhere:a", data: {} })).rejects.toThrow("[object Object]");
    await expect(api.cent("wrong").getInfo()).rejects.toThrow("[object Object]");
  });
});

describe("[AP6] the document describes the API exactly", () => {
  test("every answer of these tests fits its schema, and the tests call every method", async () => {
    const schemas = await api.schemas();
    // The library has no method for these two.
    await api.call("batch", { commands: [{ info: {} }] });
    await api.call("send", { user: "nobody", data: 1 });
    const good = await checkAnswers();
    // The deployment has no `onRpc`, so `rpc` has no good answer.
    expect([...good, "rpc"].toSorted()).toEqual([...schemas.keys()].toSorted());
    // The schemas reject wrong answers, so the check above shows something.
    expect(schemas.get("history")?.safeParse({ result: { publications: [], offset: 1 } }).success).toBe(
      false,
    );
    expect(schemas.get("publish")?.safeParse({ result: { other: 1 } }).success).toBe(false);
  });

  test("the document names every status and its meaning", async () => {
    const document = (await (await fetch(new URL("/api/openapi.json", api.url))).json()) as any;
    const { responses } = document.paths["/publish"].post;
    expect(Object.keys(responses)).toEqual(["200", "400", "401", "404", "409", "413", "416", "429", "500"]);
    expect(responses["416"].description).toContain("112 unrecoverable position");
  });

  test("GET /api is a page for people: it has every method, and no script", async () => {
    const response = await fetch(api.url);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    const page = await response.text();
    for (const name of (await api.schemas()).keys()) expect(page).toContain(`<section id="${name}">`);
    expect(page).not.toMatch(/<script|javascript:|\son[a-z]+=/i);
  });
});
