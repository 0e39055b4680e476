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
