import { evictAllDurableObjects } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { Gate, startOver, until } from "./client.ts";
import { Client, fetchWorker } from "./socketio-client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

/** A client in the namespace of this file's handlers. */
const connect = (query = ""): Promise<Client> => Client.connect(query, "/api,");

/** Other code of the Worker. */
const server = async (what: Record<string, unknown>): Promise<unknown> => {
  const request = { method: "POST", body: JSON.stringify({ nsp: "/api", ...what }) };
  return (await fetchWorker(new Request("https://ringcast.test/server", request))).json();
};

test("[SO9] an event that cannot be sent awaits no answer", async () => {
  const client = await connect();
  client.say('42/api,1["ask what cannot be sent",300]');
  const question = await client.next("42/api,");
  client.say(question.replace("42", "43").replace('"question","why"', '"because"'));
  expect(await client.next("43/api,1")).toBe('43/api,1["because"]');
});

test("[SO8] a handler may answer with a promise of any make: its changes of `data` are kept", async () => {
  const client = await connect();
  client.say('42/api,["keep by a thenable","yes"]');
  await client.next('42/api,["kept"]');
  await evictAllDurableObjects({ webSockets: "hibernate" });
  expect(await client.ask("kept")).toEqual(["yes"]);
});

describe("[SO12] sockets are found and ended from elsewhere", () => {
  test("[SO12] a socket on its way into its namespace is not there yet", async () => {
    const gate = new Gate();
    const { register } = Channel.prototype;
    const client = await Client.open();
    const slow = async function (this: Channel, ...call: Parameters<Channel["register"]>) {
      await gate.pass();
      return register.apply(this, call);
    } as unknown as Channel["register"];
    const called = vi.spyOn(Channel.prototype, "register").mockImplementation(slow);
    client.say("40/api,");
    await until(() => called.mock.calls.length > 0);
    await server({ verb: "disconnect" });
    expect(await server({ verb: "fetch" })).toEqual([]);
    gate.open();
    await client.next('42/api,["hello"');
    expect(await server({ verb: "fetch" })).toHaveLength(1);
    await server({ verb: "disconnect" });
    await client.next("41/api,");
    expect(await server({ verb: "fetch" })).toEqual([]);
  });
});

describe("[SO30] namespaces whose names are not known before", () => {
  test("[SO30] their handlers are there after a sleep", async () => {
    const org = await Client.connect("&key=ann", "/org-1,");
    const tenant = await Client.open("&key=bob");
    tenant.say('40/tenant-1,{"token":"yes"}');
    await tenant.next('42/tenant-1,["hello"');
    await evictAllDurableObjects({ webSockets: "hibernate" });
    expect(await org.ask("echo", "awake")).toEqual(["awake"]);
    tenant.say('42/tenant-1,1["echo","awake"]');
    expect(await tenant.next("43")).toBe('43/tenant-1,1["awake"]');
  });

  test("[SO30] a name that is too long for a channel is no namespace, and its connection stays", async () => {
    const client = await connect();
    client.say(`40/org-${"語".repeat(40)},`);
    await client.next("44");
    expect(await client.ask("echo", 1)).toEqual([1]);
  });

  test("[SO30] a client that makes up names without end reaches few of them", async () => {
    const client = await Client.open();
    const joined = () => client.frames.filter((frame) => String(frame).startsWith("40/org-")).length;
    const refused = () => client.frames.filter((frame) => String(frame).startsWith("44/org-")).length;
    for (let n = 0; refused() === 0; n++) {
      client.say(`40/org-${n},`);
      await until(() => joined() + refused() === n + 1);
      if (refused() === 0) client.say(`41/org-${n},`);
    }
    expect(joined()).toBeGreaterThanOrEqual(30);
    // Those that it knows cost nothing.
    client.say("40/org-0,");
    await client.next('42/org-0,["hello"');
  });
});

describe("[SO32] acknowledgements of many clients", () => {
  test("[SO32] handlers of a connection await 64 emits at most, and its own answers come through", async () => {
    const client = await connect();
    client.say('42/api,7["ask for ever",65]');
    expect(await client.next("43/api,7")).toMatch(/the answers to 64 emits at most/);
    const questions = () => client.frames.map(String).filter((frame) => frame.includes('"for ever"'));
    await until(() => questions().length === 64);
    for (const question of questions()) client.say(question.replace(/^42(.*?)\[.*/, '43$1["so"]'));
    client.say('42/api,8["ask for ever",64]');
    await until(() => questions().length === 128);
    for (const question of questions().slice(64)) client.say(question.replace(/^42(.*?)\[.*/, '43$1["so"]'));
    expect(await client.next("43/api,8")).toBe('43/api,8[["so"]]');
  });

  test("[SO32] an answer that nothing can hold counts as none", async () => {
    const client = await connect();
    client.say('42/api,7["ask for ever",1]');
    const question = await client.next("42/api,");
    const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
    client.say(question.replace(/^42(.*?)\[.*/, `43$1[${deep}]`));
    expect(await client.next("43/api,7")).toBe('43/api,7["operation has timed out"]');
  });
});

test("[SO37] a middleware that answers late or never drops its event alone", async () => {
  const client = await Client.open();
  client.say("40/catch-all,");
  await client.next("40/catch-all,");
  client.say('42/catch-all,["late"]');
  client.say('42/catch-all,["allowed",1]');
  expect(await client.next('42/catch-all,["handled"')).toBe('42/catch-all,["handled","allowed",1]');
});

test("[SO39] handlers emit to a bounded number of rooms that nobody knew, for one client", async () => {
  const [ann, bob] = [await connect("&key=ann"), await connect("&key=ann")];
  const [count, last, again] = (await ann.ask("emit to many", 1_000)) as [number, string, string];
  expect([last, again]).toEqual(["the handlers of a connection emit to new rooms too fast", "emitted"]);
  // Four times `limits.newChannelsPerMinute`, and what has come back meanwhile.
  expect(count).toBeGreaterThan(120);
  expect(count).toBeLessThan(1_000);
  // The rooms are known now, and another client has tokens of its own.
  expect(await bob.ask("emit to many", 100)).toEqual([100, "emitted", "emitted"]);
  expect(((await bob.ask("emit to many", count + 10)) as [number])[0]).toBe(count + 10);
});
