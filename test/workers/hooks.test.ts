import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ConnectEvent, PublishEvent, RpcEvent } from "../../src/hooks/hooks.ts";
import { ringcast } from "../../src/ringcast.ts";
import { Client, fetchWorker, Gate, keysOf, startOver, until } from "./client.ts";
import { forgetHooks, hooks } from "./hooked.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

describe("[HK1] a hook lets an operation pass, changes it, or refuses it", () => {
  test("a connect gets data, channels and info", async () => {
    const seen: ConnectEvent[] = [];
    hooks.onConnect = (event) => {
      seen.push(event);
      return { data: { hello: "ann" }, channels: ["news"], info: { name: "Ann" } };
    };
    const [key] = await keysOf("auto-2", 1);
    const client = await Client.open(key ?? "");
    const reply = await client.ask({ connect: { data: { from: "test" }, name: "js", version: "1" } });
    expect(reply["connect"]).toMatchObject({ data: { hello: "ann" }, subs: { news: {} } });
    expect(seen).toMatchObject([
      {
        shard: { id: "auto-2", region: "auto" },
        session: { user: "", key },
        data: { from: "test" },
        name: "js",
        version: "1",
      },
    ]);
    expect(seen[0]?.env.API_KEY).toBe(env.API_KEY);
    expect(seen[0]?.session.client).toBe((reply["connect"] as { client: string }).client);
    const { presence } = (await client.ask({ presence: { channel: "news" } }))["presence"] as {
      presence: Record<string, object>;
    };
    expect(Object.values(presence)).toMatchObject([{ conn_info: { name: "Ann" } }]);
  });

  test("a connect is refused with an error, or with a close", async () => {
    hooks.onConnect = ({ data }) =>
      data === "later"
        ? { error: { code: 420, message: "not now", temporary: true } }
        : { disconnect: { code: 4500, reason: "banned" } };
    const late = await Client.open("late");
    expect((await late.ask({ connect: { data: "later" } })).error).toEqual({
      code: 420,
      message: "not now",
      temporary: true,
    });
    const banned = await Client.open("banned");
    banned.socket.send(JSON.stringify({ id: 1, connect: {} }));
    expect(await banned.closed).toBe(4500);
  });

  test("a subscribe gets info and data, and a permission that the namespace does not grant", async () => {
    hooks.onSubscribe = ({ channel, data }) => {
      if (channel === "secret") return { error: { code: 403, message: "no" } };
      if (channel === "fatal") return { disconnect: { code: 4501, reason: "never" } };
      return data === "allow" ? { allow: true, info: { seat: 4 }, data: ["welcome"] } : null;
    };
    const client = await Client.connect("ann");
    const ask = (channel: string, data?: string) => client.ask({ subscribe: { channel, data } });
    expect((await ask("room"))["subscribe"]).toEqual({});
    expect((await ask("secret")).error).toEqual({ code: 403, message: "no" });
    expect((await ask("closed:room")).error?.code).toBe(103);
    expect((await ask("closed:room", "allow"))["subscribe"]).toEqual({ data: ["welcome"] });
    // A hook cannot open a namespace that is not configured, or the cluster's own channels.
    expect((await ask("unknown:room", "allow")).error?.code).toBe(102);
    expect((await ask("ringcast:broadcast", "allow")).error?.code).toBe(105);
    expect((await ask("ringcast:other", "allow")).error?.code).toBe(103);
    client.socket.send(JSON.stringify({ id: 99, subscribe: { channel: "fatal" } }));
    expect(await client.closed).toBe(4501);
  });

  test("an info that the hook gave to a subscription stays where its token is renewed without one", async () => {
    const ann = await Client.connect("ann");
    hooks.onSubscribe = () => ({ info: { role: "host" } });
    const renew = async (claims: object = {}) =>
      (await ringcast(env).subscriptionToken("", "$closed", claims)).result?.token;
    await ann.ask({ subscribe: { channel: "$closed", token: await renew() } });
    const infos = async () => {
      const { presence = {} } = (await ringcast(env).presence("$closed")).result ?? {};
      return Object.values(presence).map(({ chan_info }) => chan_info);
    };
    expect(
      (await ann.ask({ sub_refresh: { channel: "$closed", token: await renew() } })).error,
    ).toBeUndefined();
    expect(await infos()).toEqual([{ role: "host" }]);
    await ann.ask({ sub_refresh: { channel: "$closed", token: await renew({ info: { role: "guest" } }) } });
    expect(await infos()).toEqual([{ role: "guest" }]);
  });

  test("[CE4] a publish hook sees the value, and only one that returns data rewrites the text", async () => {
    const seen: unknown[] = [];
    hooks.onPublish = ({ data }) => {
      seen.push(data);
      return data === 2 ? { data: 3.5 } : { tags: { checked: "yes" } };
    };
    const client = await Client.connect("ann");
    const frames: string[] = [];
    client.socket.addEventListener("message", (event) => {
      frames.push(String(event.data));
    });
    await client.ask({ subscribe: { channel: "room" } });
    for (const [n, data] of ["1.0", "2.0", '{"a":1,"a":1.50}'].entries())
      client.socket.send(`{"id":${n + 50},"publish":{"channel":"room","data":${data}}}`);
    await until(() => client.heard("room").length === 3);
    expect(seen).toEqual([1, 2, { a: 1.5 }]);
    const sent = frames.join("\n");
    for (const text of ['{"data":1.0,', '{"data":3.5,', '{"data":{"a":1,"a":1.50},'])
      expect(sent).toContain(text);
  });

  test("a publish gets data and tags, and a permission that the namespace does not grant", async () => {
    const seen: PublishEvent[] = [];
    hooks.onSubscribe = () => ({ allow: true, info: "seat 4" });
    hooks.onPublish = (event) => {
      seen.push(event);
      if (event.data === "spam") return { error: { code: 451, message: "spam" } };
      if (event.data === "out") return { disconnect: { code: 4502, reason: "out" } };
      return event.data === "pass" ? undefined : { allow: true, data: "****", tags: { mood: "bad" } };
    };
    const client = await Client.connect("ann");
    await client.ask({ subscribe: { channel: "closed:room" } });
    const publish = (data: string) => client.ask({ publish: { channel: "closed:room", data } });
    expect((await publish("damn"))["publish"]).toEqual({});
    expect((await publish("spam")).error).toEqual({ code: 451, message: "spam" });
    expect((await publish("pass")).error?.code).toBe(103);
    await until(() => client.heard("closed:room").length === 1);
    expect(client.lines.find(({ push }) => push?.pub)?.push?.pub).toMatchObject({
      data: "****",
      tags: { mood: "bad" },
      info: { chan_info: "seat 4" },
    });
    expect(seen.map(({ channel, data }) => [channel, data])).toEqual([
      ["closed:room", "damn"],
      ["closed:room", "spam"],
      ["closed:room", "pass"],
    ]);
    client.socket.send(JSON.stringify({ id: 99, publish: { channel: "closed:room", data: "out" } }));
    expect(await client.closed).toBe(4502);
  });

  test("a publish is dropped if its session ended while the hook was at work", async () => {
    const slow = { thinks: false, decided: false, gate: new Gate() };
    hooks.onPublish = async ({ data }) => {
      if (data === "quick") return;
      slow.thinks = true;
      await slow.gate.pass();
      slow.decided = true;
    };
    // Both clients are on one shard, which would publish the slow publication before the quick one.
    const [annKey = "", bobKey = ""] = await keysOf("auto-1", 2);
    const [ann, bob] = [await Client.connect(annKey), await Client.connect(bobKey)];
    const bobSees = async () => {
      const stats = (await bob.ask({ presence_stats: { channel: "room" } }))["presence_stats"];
      return (stats as { num_clients: number }).num_clients;
    };
    for (const client of [ann, bob]) await client.ask({ subscribe: { channel: "room" } });
    ann.socket.send(JSON.stringify({ id: 70, publish: { channel: "room", data: "slow" } }));
    await until(() => slow.thinks);
    ann.socket.close();
    await until(async () => (await bobSees()) === 1);
    slow.gate.open();
    await until(() => slow.decided);
    await bob.ask({ publish: { channel: "room", data: "quick" } });
    await until(() => bob.heard("room").length > 0);
    expect(bob.heard("room")).toEqual(["quick"]);
  });

  test("the hook answers an rpc, and the shard answers 108 if there is no such hook", async () => {
    const client = await Client.connect("ann");
    expect((await client.ask({ rpc: { method: "add", data: [1, 2] } })).error?.code).toBe(108);
    hooks.onRpc = ({ method, data }: RpcEvent) => {
      if (method === "add") return { data: (data as number[]).reduce((sum, one) => sum + one, 0) };
      return { error: { code: 404, message: "no such method" } };
    };
    expect((await client.ask({ rpc: { method: "add", data: [1, 2] } }))["rpc"]).toEqual({ data: 3 });
    expect((await client.ask({ rpc: {} })).error).toEqual({ code: 404, message: "no such method" });
  });
});

test("[HK1, OP4] the hooks do not hear of the operator's page, and its simulated clients are users like others", async () => {
  const asked: string[] = [];
  hooks.onConnect = ({ session }) => {
    asked.push(session.user);
    return { disconnect: { code: 4500, reason: "no" } };
  };
  const admin = async (path: string, body: object): Promise<any> => {
    const headers = { "x-api-key": env.API_KEY ?? "", "content-type": "application/json" };
    const request = { method: "POST", headers, body: JSON.stringify(body) };
    return (await fetchWorker(new Request(`https://ringcast.test/admin/api${path}`, request))).json();
  };
  const { connection } = await admin("/live", { channels: ["ringcast:live"] });
  const page = await Client.open("page");
  expect((await page.ask({ connect: { token: connection } }))["connect"]).toBeDefined();
  const { tokens } = await admin("/clients", { users: ["sim-1"] });
  const simulated = await Client.open("sim-1");
  simulated.socket.send(JSON.stringify({ id: 1, connect: { token: tokens["sim-1"] } }));
  expect(await simulated.closed).toBe(4500);
  expect(asked).toEqual(["sim-1"]);
});
