import { env } from "cloudflare:workers";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { SignJWT } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { ringcast } from "../../src/ringcast.ts";
import { Held } from "../../src/shard/connections/held.ts";
import { Client, Gate, keysOf, nameOf, shardObject, startOver, until } from "./client.ts";
import { forgetHooks, hooks } from "./hooked.ts";
import { silence } from "./failing-hooks.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

const server = () => ringcast(env);
/** More than the attachment of a socket has room for. */
const LARGE = "x".repeat(20_000);
/** `limits.channelsPerClient`. */
const CHANNELS = 128;

async function connect(user: string): Promise<Client> {
  const client = await Client.open(user);
  const { result } = await server().token(user);
  expect((await client.ask({ connect: { token: result?.token } })).error).toBeUndefined();
  return client;
}

/** Runs `act` before a channel registers a shard. */
function beforeRegister(channel: string, act: () => void | Promise<void>): void {
  const { register } = Channel.prototype;
  const spied = async function (this: Channel, ...args: Parameters<typeof register>) {
    if (nameOf(this) === channel) await act();
    return register.apply(this, args);
  };
  vi.spyOn(Channel.prototype, "register").mockImplementation(spied as unknown as typeof register);
}

describe("[AP5] an order about a user that cannot be carried out", () => {
  test("a channel that fails refuses the subscribe, and the sessions of the user stay", async () => {
    silence();
    const ann = await connect("ann");
    let fails = true;
    beforeRegister("late", () => {
      if (fails) throw new Error("too much to do");
    });
    expect((await server().subscribe("ann", "late")).error).toMatchObject({ code: 100 });
    fails = false;
    await until(async () => (await server().subscribe("ann", "late")).error === undefined);
    await until(() => ann.lines.some(({ push }) => push?.channel === "late"));
    expect(ann.closeCode).toBeUndefined();
  });

  test("a channel that a session has no room for is refused: its info is too large, or it has as many as it may", async () => {
    silence();
    const ann = await connect("ann");
    expect((await server().subscribe("ann", "room", { info: LARGE })).error).toMatchObject({ code: 100 });
    for (let n = 0; n < CHANNELS; n++) await server().subscribe("ann", `room-${n}`);
    expect((await server().subscribe("ann", "room")).error).toMatchObject({ code: 100 });
    expect((await server().presence("room")).result).toEqual({ presence: {} });
    expect((await ann.ask({ rpc: {} })).id).toBeDefined();
  });

  test("an expiry that is past is refused, and ends no session", async () => {
    const ann = await connect("ann");
    expect((await server().subscribe("ann", "room", { expire_at: 1 })).error).toMatchObject({ code: 107 });
    expect((await server().presence("room")).result).toEqual({ presence: {} });
    expect((await ann.ask({ rpc: {} })).id).toBeDefined();
  });

  test("a session that can carry it out is looked at when it expires", async () => {
    silence();
    const [key = ""] = await keysOf("auto-1", 1);
    const clients = [await Client.open(key), await Client.open(key)];
    const token = await new SignJWT({ sub: "ann" })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(env.TOKEN_HMAC_SECRET));
    const [first] = await Promise.all(clients.map((client) => client.ask({ connect: { token } })));
    const { client } = (first?.["connect"] ?? {}) as { readonly client?: string };
    await server().subscribe("ann", "room", { client: client ?? "", info: "x".repeat(12_000) });
    // The shard has looked at its connections, and none had an end.
    await evictDurableObject(shardObject("auto-1"), { webSockets: "hibernate" });
    await runInDurableObject(shardObject("auto-1"), (_, { storage }) => storage.kv.delete("timetable"));
    const later = Math.ceil(Date.now() / 1_000) + 60;
    const refresh = { info: "y".repeat(8_000), expire_at: later };
    expect((await server().refresh("ann", refresh)).error).toMatchObject({ code: 100 });
    const timetable = await runInDurableObject(shardObject("auto-1"), (_, { storage }) =>
      storage.kv.get<Record<string, number>>("timetable"),
    );
    expect(timetable?.["sweep"]).toBeGreaterThan(later * 1_000);
  });

  test("an info that a session has no room for is refused, and the session keeps what it has", async () => {
    silence();
    const ann = await connect("ann");
    expect((await server().refresh("ann", { info: LARGE })).error).toMatchObject({ code: 100 });
    expect((await ann.ask({ rpc: {} })).id).toBeDefined();
  });
});

describe("[AP5] an unsubscribe ends a subscription that is under way", () => {
  test("it waits for its channel", async () => {
    const ann = await connect("ann");
    const gate = new Gate();
    let registers = false;
    beforeRegister("late", async () => {
      registers = true;
      await gate.pass();
    });
    const asked = ann.ask({ subscribe: { channel: "late" } });
    await until(() => registers);
    expect(await server().unsubscribe("ann", "late")).toEqual({ result: {} });
    gate.open();
    expect((await asked).error).toBeUndefined();
    await until(() => ann.lines.some(({ push }) => push?.channel === "late" && "unsubscribe" in push));
    await server().publish("late", "secret");
    expect((await server().presence("late")).result).toEqual({ presence: {} });
    expect(ann.heard("late")).toEqual([]);
  });

  test("its hook asks for it, and does not wait for itself", async () => {
    const ann = await connect("ann");
    hooks.onSubscribe = async ({ session }) => {
      await server().unsubscribe(session.user, "room");
    };
    expect((await ann.ask({ subscribe: { channel: "room" } })).error).toBeUndefined();
    await until(() => ann.lines.some(({ push }) => push?.channel === "room" && "unsubscribe" in push));
    expect((await server().presence("room")).result).toEqual({ presence: {} });
  });
});

describe("[AP5] a hook gives orders about the user that waits for it", () => {
  test("a subscribe is carried out at once, and the client gets the answer of its own command", async () => {
    const ann = await connect("ann");
    let answer: unknown;
    hooks.onRpc = async ({ session }) => {
      answer = await server().subscribe(session.user, "room");
      return { data: "joined" };
    };
    expect((await ann.ask({ rpc: {} }))["rpc"]).toEqual({ data: "joined" });
    expect(answer).toEqual({ result: {} });
    expect(Object.keys((await server().presence("room")).result?.presence ?? {})).toHaveLength(1);
  });

  test("of several orders the last holds, also where nobody waits for the one before", async () => {
    const ann = await connect("ann");
    hooks.onRpc = async ({ session: { user } }) => {
      await server().subscribe(user, "back");
      await server().unsubscribe(user, "back");
      await server().subscribe(user, "back");
      void server().subscribe(user, "gone");
      await server().unsubscribe(user, "gone");
      return { data: 1 };
    };
    expect((await ann.ask({ rpc: {} })).error).toBeUndefined();
    await scheduler.wait(200);
    expect((await server().presence("gone")).result).toEqual({ presence: {} });
    expect(Object.keys((await server().presence("back")).result?.presence ?? {})).toHaveLength(1);
  });

  test("however many there are at once, the client has no more channels than it may", async () => {
    silence();
    const ann = await connect("ann");
    const all = Array.from({ length: CHANNELS + 5 }, (_, n) => `room-${n}`);
    void Promise.all(all.map((name) => server().subscribe("ann", name)));
    hooks.onRpc = async ({ session: { user } }) => {
      await Promise.all(all.map((name) => server().subscribe(user, name)));
      return { data: 1 };
    };
    await ann.ask({ rpc: {} });
    const has = () => ann.lines.filter(({ push }) => push !== undefined && "subscribe" in push).length;
    await until(() => has() >= CHANNELS);
    await scheduler.wait(200);
    expect(has()).toBe(CHANNELS);
  });

  test("the very channel that the client asks for", async () => {
    const ann = await connect("ann");
    hooks.onSubscribe = async ({ session }) => {
      await server().subscribe(session.user, "room");
    };
    expect((await ann.ask({ subscribe: { channel: "room" } })).error?.code).toBe(105);
    expect(Object.keys((await server().presence("room")).result?.presence ?? {})).toHaveLength(1);
  });
});

describe("[FO7] a message to a session whose connect is under way", () => {
  /** What is answered to a message that comes before the channel of ann's token has registered, and what ann hears. */
  async function sendMeanwhile(registered: () => void) {
    silence();
    const gate = new Gate();
    let registers = false;
    beforeRegister("late", async () => {
      registers = true;
      await gate.pass();
      registered();
    });
    const ann = await Client.open("ann");
    const { result } = await server().token("ann", { channels: ["late"] });
    ann.socket.send(JSON.stringify({ id: 1, connect: { token: result?.token } }));
    await until(() => registers);
    const asked = vi.spyOn(Held.prototype, "over", "get");
    const sent = server().send("ann", 1);
    await until(() => asked.mock.calls.length > 0);
    gate.open();
    return { sent: (await sent).result, ann };
  }

  test("is delivered where it succeeds", async () => {
    const { sent, ann } = await sendMeanwhile(() => undefined);
    expect(sent).toMatchObject({ delivered: 1, offline: [] });
    await until(() => ann.lines.length === 2);
    expect(ann.lines).toMatchObject([{ id: 1, connect: {} }, { push: { message: { data: 1 } } }]);
  });

  test("is not where it fails", async () => {
    const { sent, ann } = await sendMeanwhile(() => {
      throw new Error("too much to do");
    });
    expect(sent).toMatchObject({ delivered: 0, offline: ["ann"] });
    expect(await ann.closed).toBe(3004);
    expect(ann.lines).toEqual([]);
  });
});

test("[FO1] a client whose socket has no room for the broadcast channel is not let in", async () => {
  silence();
  for (let units = 16_150; units < 16_300; units += 8) {
    hooks.onConnect = () => ({ info: "x".repeat(units) });
    const client = await Client.open("ann");
    client.socket.send(JSON.stringify({ id: 1, connect: {} }));
    await until(() => client.lines.length > 0 || client.closeCode !== undefined);
    const [answer] = client.lines;
    const { subs } = (answer?.["connect"] ?? {}) as { readonly subs?: object };
    const outcome = client.closeCode ?? answer?.error?.code ?? Object.keys(subs ?? {}).join();
    expect([3505, 100, "ringcast:broadcast"]).toContain(outcome);
    client.socket.close();
  }
});

describe("[HK2] a connect that a hook has refused", () => {
  test("a second connect in the same frame is not carried out", async () => {
    let asked = 0;
    hooks.onConnect = () => {
      asked += 1;
      return { error: { code: 450, message: "no" } };
    };
    const ann = await Client.open("ann");
    ann.socket.send([1, 2].map((id) => JSON.stringify({ id, connect: {} })).join("\n"));
    expect(await ann.closed).toBe(3501);
    expect([asked, ann.lines.length]).toEqual([1, 1]);
  });

  test("an info that a session has no room for is an error that passes, and the log names the hook", async () => {
    const logged = silence();
    hooks.onConnect = () => ({ info: LARGE });
    const ann = await Client.open("ann");
    expect((await ann.ask({ connect: {} })).error).toMatchObject({ code: 100, temporary: true });
    expect(logged.mock.calls.flat()).toContainEqual(expect.objectContaining({ hook: "onConnect" }));
  });
});
