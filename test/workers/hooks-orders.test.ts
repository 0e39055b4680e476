import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { ringcast } from "../../src/ringcast.ts";
import { Client, Gate, nameOf, startOver, until } from "./client.ts";
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
