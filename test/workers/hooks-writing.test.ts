import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ringcast } from "../../src/ringcast.ts";
import { Client, keysOf, startOver, until } from "./client.ts";
import { silence } from "./failing-hooks.ts";
import { forgetHooks, hooks } from "./hooked.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

const server = () => ringcast(env);

async function connect(user: string, key = user): Promise<Client> {
  const client = await Client.open(key);
  const { result } = await server().token(user, { info: { name: user } });
  expect((await client.ask({ connect: { token: result?.token } })).error).toBeUndefined();
  return client;
}

describe("[HK1] a hook that writes into what it gets changes nothing", () => {
  test("what it adds to the info of a session is shown to nobody", async () => {
    hooks.onSubscribe = ({ session }) => void Object.assign(session.info as object, { mail: "secret" });
    const ann = await connect("ann");
    await ann.ask({ subscribe: { channel: "room" } });
    await ann.ask({ publish: { channel: "room", data: 1 } });
    await until(() => ann.heard("room").length === 1);
    const { result } = await server().presence("room");
    expect(JSON.stringify([result, ann.lines])).not.toContain("secret");
  });

  test("what no JSON holds breaks neither the presence of others nor the word of the session's end", async () => {
    const told: string[] = [];
    hooks.onDisconnect = ({ session }) => void told.push(session.user);
    hooks.onSubscribe = ({ session }) => void Object.assign(session.info as object, { id: 1n });
    const [one = "", other = ""] = await keysOf("auto-1", 2);
    const ann = await connect("ann", one);
    await ann.ask({ subscribe: { channel: "room" } });
    const bob = await connect("bob", other);
    await bob.ask({ subscribe: { channel: "room" } });
    expect((await bob.ask({ presence: { channel: "room" } })).error).toBeUndefined();
    expect((await ann.ask({ publish: { channel: "room", data: 1 } })).error).toBeUndefined();
    ann.socket.close(1000);
    await until(() => told.length > 0);
    expect(told).toEqual(["ann"]);
  });

  test("a function in it closes no client", async () => {
    hooks.onConnect = ({ session }) => void Object.assign(session.info as object, { greet: () => 1 });
    const ann = await connect("ann");
    expect(ann.closeCode).toBeUndefined();
  });
});

describe("[HK2] a publication that a hook makes too long is refused, and holds up no other", () => {
  for (const megabytes of [3, 40])
    test(`${megabytes} MB`, async () => {
      silence();
      const [one = "", other = ""] = await keysOf("auto-1", 2);
      const ann = await connect("ann", one);
      const bob = await connect("bob", other);
      for (const client of [ann, bob]) await client.ask({ subscribe: { channel: "room" } });
      await bob.ask({ subscribe: { channel: "other" } });
      hooks.onPublish = ({ data }) =>
        data === "long" ? { data: "x".repeat(megabytes * 1_048_576) } : undefined;
      const long = ann.ask({ publish: { channel: "room", data: "long" } });
      for (const channel of ["room", "other"])
        expect((await bob.ask({ publish: { channel, data: 1 } })).error).toBeUndefined();
      expect((await long).error).toMatchObject({ code: 106 });
    });
});
