import { afterEach, describe, expect, test } from "vitest";
import type { Action, DeliverOrder } from "../../src/contracts/orders.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import {
  adopted,
  changeRing,
  channelObject,
  Client,
  coordinator,
  coordinatorObject,
  errorOf,
  keysOf,
  shard,
  shardObject,
  startOver,
  until,
} from "./client.ts";

/** A call of contract 1 passes no version, and its addresses have no front and no id. */

afterEach(() => startOver());

const AUTO_1 = { name: "auto/auto-1", region: "auto" };
const AUTO_2 = { name: "auto/auto-2", region: "auto" };
const NO_CLIENTS = { sessions: 0, noListeners: false, users: new Map() };

/** Release 0.1.0 sends the frame of its only front, and no data. */
const send: Action = { kind: "send", users: [""], frame: '{"push":{"message":{"data":1}}}' };
const messages = (client: Client) =>
  client.lines.flatMap(({ push }) => (push !== undefined && "message" in push ? [push["message"]] : []));

/** A client without a user's name, on a shard. */
async function clientOn(shardId: string): Promise<Client> {
  const [key = ""] = await keysOf(shardId, 1);
  return Client.connect(key);
}

/** The delivery that a channel of contract 1 sends to its shards. The clients of auto-1 listen to the channel. */
async function orderFor(client: Client): Promise<DeliverOrder> {
  await client.ask({ subscribe: { channel: "room" } });
  const entries = [{ kind: "pub", offset: 1, body: '{"data":"x"}' }] as const;
  return {
    kind: "deliver",
    delivery: { channel: "room", logEpoch: "", durable: false, since: 0, entries },
  };
}

describe("[CT1] a caller of contract 1 is answered in its own shapes", () => {
  test("a change is answered with a result or a refusal, and the other field is null", async () => {
    const change = { kind: "add", count: 1 } as const;
    const done = await coordinatorObject().change({ change, dryRun: true, by: "old" });
    expect(done).toEqual({
      result: expect.objectContaining({ changed: true, dryRun: true, ringEpoch: 2 }),
      refused: null,
    });
    const unknown = { kind: "drain", id: "nowhere" } as const;
    const refused = await coordinatorObject().change({ change: unknown, dryRun: false, by: "old" });
    expect(refused).toEqual({
      result: null,
      refused: { code: "notFound", message: expect.stringContaining("nowhere") },
    });
  });

  test("an action on every shard is answered with the outcome of each shard, without its kind", async () => {
    const client = await clientOn("auto-1");
    await adopted();
    const { outcomes } = await coordinatorObject().act(send);
    expect(outcomes).toHaveLength(4);
    for (const { name, done } of outcomes) {
      const reached = { sessions: 1, noListeners: false, users: new Map([["", 1]]) };
      expect(done).toEqual(name === AUTO_1.name ? reached : NO_CLIENTS);
    }
    await until(() => messages(client).length === 1);
  });

  test("a part of a fan-out may be an action", async () => {
    const client = await clientOn("auto-2");
    const order = { kind: "act", action: send } as const;
    const outcomes = await shardObject("auto-1").relay({ order, targets: [AUTO_1, AUTO_2], waitMs: 1_000 });
    expect(outcomes.map(({ name, done }) => [name, done])).toEqual([
      [AUTO_1.name, NO_CLIENTS],
      [AUTO_2.name, { sessions: 1, noListeners: false, users: new Map([["", 1]]) }],
    ]);
    await until(() => messages(client).length === 1);
  });

  test("a part of a fan-out may be a delivery", async () => {
    const client = await clientOn("auto-1");
    const order = await orderFor(client);
    const targets = [AUTO_1, AUTO_2].map((target) => ({ ...target, registration: 1, mayRepeat: false }));
    const outcomes = await shardObject("auto-1").relay({ order, targets, waitMs: 1_000 });
    expect(outcomes.map(({ name, done }) => [name, done])).toEqual([
      [AUTO_1.name, { ...NO_CLIENTS, sessions: 1 }],
      [AUTO_2.name, { ...NO_CLIENTS, noListeners: true }],
    ]);
    await until(() => client.heard("room").length === 1);
  });

  test("one shard carries out an action and a delivery", async () => {
    const client = await clientOn("auto-1");
    const acted = await shardObject("auto-1").carryOut({ kind: "act", action: send }, AUTO_1);
    expect(acted).toEqual({ sessions: 1, noListeners: false, users: new Map([["", 1]]) });
    const order = await orderFor(client);
    const target = { registration: 1, mayRepeat: false };
    const delivered = await shardObject("auto-1").carryOut(order, { ...AUTO_1, ...target });
    expect(delivered).toEqual({ ...NO_CLIENTS, sessions: 1 });
    expect(await shardObject("auto-2").carryOut(order, { ...AUTO_2, ...target })).toEqual({
      ...NO_CLIENTS,
      noListeners: true,
    });
    await until(() => client.heard("room").length === 1 && messages(client).length === 1);
    expect([client.heard("room"), messages(client)]).toEqual([["x"], [{ data: 1 }]]);
  });

  test("a message to the users that a shard owns is sent, or answered with the newer ring", async () => {
    const client = await clientOn("auto-1");
    const { users, frame } = send;
    const sent = await shardObject("auto-1").sendOwned({ users, frame, ringEpoch: 1 });
    expect(sent).toEqual({
      newer: null,
      done: { sessions: 1, noListeners: false, users: new Map([["", 1]]) },
      spilled: false,
    });
    await changeRing({ kind: "add", count: 1 });
    const newer = await coordinator().descriptor(CONTRACT);
    const refused = await shardObject("auto-1").sendOwned({ users, frame, ringEpoch: 1 });
    expect(refused).toEqual({ newer, done: null, spilled: false });
    await until(() => messages(client).length === 1);
  });

  test("a registration without a front belongs to the first front's shard", async () => {
    const client = await clientOn("auto-1");
    await client.ask({ subscribe: { channel: "room" } });
    const again = await channelObject("room").register(AUTO_1, { position: null });
    expect(again).toMatchObject({ number: 2, durable: false });
    expect(await channelObject("room").settle("auto/auto-1")).toBe(true);
  });
});

describe("[CT1] a caller of a contract that is further away is refused", () => {
  test("every object answers with an error that names both contracts", async () => {
    const far = CONTRACT + 2;
    for (const call of [
      () => shard("auto-1").status(far),
      () => coordinator().descriptor(far),
      () => channelObject("room").view(0, far),
    ])
      expect(await errorOf(call)).toBe(
        `ContractError: a call of contract ${far} reached an object of contract ${CONTRACT}`,
      );
  });
});
