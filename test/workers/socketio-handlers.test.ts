import { afterEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { Gate, nameOf, startOver, until } from "./client.ts";
import { Client } from "./socketio-client.ts";

/** Handlers that a careful application would not have: they harm nobody but their own client. */
afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

test("[SO68] `disconnect` is told once, also where the data of its socket cannot be stored", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const ann = await Client.connect("&key=ann");
  const bob = await Client.connect("&key=bob");
  ann.say('42["spoil"]');
  expect(await ann.closed).toBe(4011);
  await bob.next('42["said"');
  await bob.ask("room", [], [], "the last");
  await bob.next('42["said","the last"]');
  const said = bob.frames.filter((frame) => String(frame).startsWith('42["said"'));
  expect(said).toEqual(['42["said","spoiled, and gone"]', '42["said","the last"]']);
});

describe("[SO68] each socket hears of its end once, where a handler asks for that end again", () => {
  const leaving = (client: Client) => client.say("41");
  const lost = (client: Client) => client.close();
  const thrownOut = (client: Client) => client.say('42["throw away",true]');
  const told = [
    ["disconnecting", true],
    ["disconnect", false],
  ];
  // As a stock server does it, a socket that has left does not end the connection.
  test.each([
    ["disconnecting", "the client leaves", leaving, [told, told]],
    ["disconnecting", "the connection is lost", lost, [told, told]],
    ["disconnecting", "the client is thrown out", thrownOut, [told, told]],
    ["disconnect", "the client leaves", leaving, [told, []]],
    ["disconnect", "the connection is lost", lost, [told, told]],
    ["disconnect", "the client is thrown out", thrownOut, [told, told]],
  ] as const)("[SO68] in `%s` when %s", async (when, _, end, expected) => {
    const nsps = ["/", "/chat,"];
    const ann = await Client.connect("&key=ann");
    ann.say("40/chat,");
    await ann.next('42/chat,["hello"');
    await ann.ask("part twice", when);
    ann.say(`42/chat,1["part twice","${when}"]`);
    await ann.next("43/chat,1");
    const others = await Promise.all([Client.connect("&key=bob"), Client.connect("&key=carl", "/chat,")]);
    end(ann);
    await others[0].next('42["said","disconnect"');
    for (const other of others) await other.ask("room", [], [], "the last");
    const heard = others.map((other, n) => {
      const start = `42${n === 0 ? "" : nsps[n]}["said",`;
      const texts = other.frames.filter((frame) => String(frame).startsWith(start)).map(String);
      return texts.map((text) => JSON.parse(text.slice(start.length - '["said",'.length)).slice(1));
    });
    expect(heard).toEqual(expected.map((all) => [...all, ["the last"]]));
  });
});

describe("[SO9] a handler that asks its client again after each error holds up nobody", () => {
  const lost = (client: Client) => client.close();
  const leaves = (client: Client) => client.say("41");
  test.each([
    ["ask again", "is lost", lost],
    ["ask again", "leaves", leaves],
    ["ask in a loop", "is lost", lost],
    ["ask in a loop", "leaves", leaves],
  ] as const)("[SO9] `%s` where the client %s", async (event, _, end) => {
    // The same key: both are on one shard.
    const ann = await Client.connect("&key=ann");
    const bob = await Client.connect("&key=ann");
    ann.say(`42["${event}"]`);
    await ann.next("42");
    end(ann);
    await until(async () => Number(((await bob.ask("asked")) as number[])[0]) > 1);
    expect(Number(((await bob.ask("asked")) as number[])[0])).toBeLessThan(10_000);
  });
});

test("[SO7] a socket that comes after one in the same namespace is in no room that the other was joining", async () => {
  const client = await Client.connect();
  client.say('42["join","secret"]');
  client.say("41");
  client.say("40");
  await client.next('42["hello"');
  expect(await client.ask("who")).toEqual([
    expect.objectContaining({ rooms: [expect.stringContaining("~")] }),
  ]);
  await client.ask("room", ["secret"], [], "not for it");
  await client.ask("room", [], [], "for all");
  expect(await client.next('42["said"')).toBe('42["said","for all"]');
});

test("[SO7] no handler hears of the end of a socket of whose beginning none has heard", async () => {
  const gate = new Gate();
  const { register } = Channel.prototype;
  let registers = false;
  const spied = async function (this: Channel, ...args: Parameters<typeof register>) {
    if (nameOf(this).includes("chat")) {
      registers = true;
      await gate.pass();
    }
    return register.apply(this, args);
  };
  const spy = vi.spyOn(Channel.prototype, "register").mockImplementation(spied as unknown as typeof register);
  const ann = await Client.connect("&key=ann");
  await ann.ask("part twice", "never");
  ann.say("40/chat,");
  await until(() => registers);
  const bob = await Client.connect("&key=bob");
  const ends = async () => ((await bob.ask("ends")) as Record<string, number>[])[0] ?? {};
  const before = await ends();
  ann.close();
  await bob.next('42["said","disconnect"');
  gate.open();
  spy.mockRestore();
  expect(await ends()).toEqual({ ...before, "/": (before["/"] ?? 0) + 1 });
});

test("[SO5] a refusal that no JSON holds is an internal error to its client, whose connection stays", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const client = await Client.connect();
  client.say('40/closed,{"password":"no JSON"}');
  expect(await client.next("44/closed,")).toBe('44/closed,{"message":"internal server error"}');
  expect(logged).toHaveBeenCalledOnce();
  expect(await client.ask("echo", 1)).toEqual([1]);
});

test("[SO9] a handler may give another answer after one that no JSON holds", async () => {
  const client = await Client.connect();
  expect(await client.ask("answer twice")).toEqual(["no JSON"]);
});

test("[SO5] a handler may throw what cannot even be looked at", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const client = await Client.connect();
  await client.ask("throw");
  expect(await client.ask("echo", 1)).toEqual([1]);
});

describe("[SO5] a middleware that works with a socket", () => {
  const connect = (client: Client, auth: object): void => client.say(`40/closed,${JSON.stringify(auth)}`);
  const open = { password: "open sesame" };
  const roomsOf = async (client: Client): Promise<number> => {
    client.say('42/closed,7["who"]');
    const { rooms } = JSON.parse((await client.next("43/closed,7")).slice("43/closed,7".length))[0];
    return rooms.length;
  };

  test("[SO5] leaves nothing of it where the socket is refused, and its questions have no answer", async () => {
    const witness = await Client.connect();
    connect(witness, open);
    await witness.next("42/closed,");
    const ann = await Client.connect();
    connect(ann, { password: "wrong", rooms: ["red"], told: ["never"], question: "why" });
    await ann.next("44/closed,");
    const gone = '42/closed,["said",{"message":"socket has been disconnected"}]';
    expect(await witness.next('42/closed,["said"')).toBe(gone);
    connect(ann, open);
    await ann.next('42/closed,["hello"');
    expect(await roomsOf(ann)).toBe(1);
    expect(ann.frames.filter((frame) => String(frame).includes("never"))).toEqual([]);
  });

  test("[SO5] refuses the namespace with a room that cannot be joined, and the connection stays", async () => {
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const ann = await Client.connect();
    connect(ann, { ...open, rooms: Array.from({ length: 200 }, (_, n) => `room ${n}`) });
    expect(await ann.next("44/closed,")).toBe('44/closed,{"message":"the namespace cannot be joined now"}');
    expect(errors).toHaveBeenCalledOnce();
    connect(ann, { ...open, rooms: ["red", "green"] });
    await ann.next('42/closed,["hello"');
    expect(await roomsOf(ann)).toBe(3);
    expect(await ann.ask("count")).toEqual([1]);
  });
});
