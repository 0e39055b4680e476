import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import type { PublishRequest } from "../../src/contracts/log.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { openDurableLog } from "../../src/log/durable-log.ts";
import { migrate } from "../../src/log/schema.ts";
import { channelStub } from "../../src/platform/calls.ts";
import {
  api,
  appointmentsOf,
  channelObject,
  Client,
  Gate,
  keysOf,
  nameOf,
  startOver,
  until,
} from "./client.ts";

beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));
afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

const ROOM = "kept:hot";
const ALL = { limit: -1, reverse: false, since: null };
const one = (id: string, more: Partial<PublishRequest> = {}): PublishRequest => ({
  id,
  body: JSON.stringify({ data: id }),
  ...more,
});
const kept = async (): Promise<unknown[]> => {
  const { publications } = await channelStub(env, ROOM).history(ALL, CONTRACT);
  return publications.map(({ body }) => (JSON.parse(body) as { data: unknown }).data);
};

/** Clients of one shard. */
async function clientsOf(shard: string, count: number): Promise<Client[]> {
  const keys = await keysOf(shard, count);
  return Promise.all(keys.map((key) => Client.connect(key)));
}

/** The first call of a publisher's shard waits until the gate opens; answers with the ids of each call after it. */
function holdFirst(gate: Gate): { readonly together: string[][] } {
  const { publish, publishAll } = Channel.prototype;
  const together: string[][] = [];
  const held = async function (this: Channel, ...call: Parameters<typeof publish>) {
    if (nameOf(this) === ROOM) await gate.pass();
    return publish.apply(this, call);
  };
  vi.spyOn(Channel.prototype, "publish").mockImplementation(held as never);
  vi.spyOn(Channel.prototype, "publishAll").mockImplementation(function (this: Channel, ...call) {
    together.push(call[0].map(({ id }) => id));
    return publishAll.apply(this, call);
  });
  return { together };
}

describe("[EL20] what the clients of a shard publish to one channel goes in one call at a time", () => {
  test("publications that come during a call go in the next one, and each client has its own answer", async () => {
    const listener = await Client.connect("listener");
    await listener.ask({ subscribe: { channel: ROOM } });
    const clients = await clientsOf("auto-1", 6);
    const gate = new Gate();
    const { together } = holdFirst(gate);
    const first = clients[0]?.ask({ publish: { channel: ROOM, data: 0 } });
    await until(() => vi.mocked(Channel.prototype.publish).mock.calls.length > 0);
    const others = clients.slice(1).map(async (client, n) => {
      // Two of one client, in one frame: the second is published after the answer to the first.
      const lines = [1, 2].map((m) =>
        JSON.stringify({ id: 10 + m, publish: { channel: ROOM, data: `${n}:${m}` } }),
      );
      client.socket.send(lines.join("\n"));
      await until(() => client.lines.some(({ id }) => id === 12));
      return client.lines.filter(({ id }) => id === 11 || id === 12);
    });
    // The shard has their frames once it has answered a frame that is sent after them.
    const last = await Client.connect("last");
    await last.ask({ presence_stats: { channel: ROOM } });
    gate.open();
    expect((await first)?.["publish"]).toEqual({});
    for (const answers of await Promise.all(others))
      expect(answers.map((answer) => [answer.id, answer["publish"]])).toEqual([
        [11, {}],
        [12, {}],
      ]);
    expect(Math.max(...together.map((ids) => ids.length))).toBeGreaterThan(1);
    const published = await kept();
    expect(published.toSorted()).toEqual(
      [0, ...[0, 1, 2, 3, 4].flatMap((n) => [`${n}:1`, `${n}:2`])].toSorted(),
    );
    for (const n of [0, 1, 2, 3, 4])
      expect(published.indexOf(`${n}:1`)).toBeLessThan(published.indexOf(`${n}:2`));
    await until(() => listener.heard(ROOM).length === published.length);
    expect(listener.heard(ROOM)).toEqual(published);
  });
});

describe("[EL21] a batch is one transaction", () => {
  test("ids and versions are judged in its order, and a publication that is too large is refused alone", async () => {
    const version = (number: number) => ({ version: { number, epoch: "" } });
    const results = await channelStub(env, ROOM).publishAll(
      [
        one("a"),
        one("large", { body: "x".repeat(2_000_001) }),
        one("b", version(2)),
        one("a"),
        one("old", version(1)),
        one("passing", { passing: true }),
        one("c", version(3)),
      ],
      CONTRACT,
    );
    expect(results.map(({ offset, refused }) => [offset, refused])).toEqual([
      [1, null],
      [0, "tooLarge"],
      [2, null],
      [1, null],
      [2, null],
      [0, null],
      [3, null],
    ]);
    expect(await kept()).toEqual(["a", "b", "c"]);
  });

  test("a write that throws stores none of it, and each publication may come again under its id", async () => {
    await channelStub(env, ROOM).publish(one("before"), CONTRACT);
    await runInDurableObject(channelObject(ROOM), (_, { storage }) => {
      migrate(storage);
      let left = Infinity;
      const exec: SqlStorage["exec"] = (query, ...values) => {
        left -= 1;
        if (left < 0) throw new Error("the disk is full");
        return storage.sql.exec(query, ...values);
      };
      const failing = new Proxy(storage, {
        get(target, name) {
          if (name === "sql") return { exec };
          const value: unknown = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      const limits = { size: 2, ttlMs: 600_000, metaTtlMs: 600_000 };
      const log = openDurableLog(failing, { limits, newEpoch: () => "e", now: 0 });
      const batch = [
        one("a"),
        one("passing", { passing: true }),
        one("b", { version: { number: 9, epoch: "" } }),
        one("before"),
        one("c"),
      ];
      const rows = () => storage.sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM publications").one().n;
      for (let statement = 0; statement < 4; statement++) {
        left = statement;
        expect(() => log.appendAll(batch, Date.now())).toThrow("the disk is full");
        left = Infinity;
        expect([log.top, rows(), log.after(0, { count: 9, bytes: 9_999 }).length]).toEqual([1, 1, 1]);
      }
      const appended = log.appendAll(batch, Date.now());
      expect(appended.map(({ offset, repeated }) => [offset, repeated])).toEqual([
        [2, false],
        [0, false],
        [3, false],
        [1, true],
        [4, false],
      ]);
      expect(log.after(0, { count: 9, bytes: 9_999 }).map(({ offset }) => offset)).toEqual([3, 4]);
    });
  });
});

describe("[EL22] a call that throws", () => {
  test("is repeated under the same ids, and publishes nothing twice", async () => {
    const clients = await clientsOf("auto-1", 4);
    const gate = new Gate();
    const { publishAll } = Channel.prototype;
    holdFirst(gate);
    const together: string[][] = [];
    vi.spyOn(Channel.prototype, "publishAll").mockImplementation(function (this: Channel, ...call) {
      together.push(call[0].map(({ id }) => id));
      const results = publishAll.apply(this, call);
      if (together.length === 1) throw new Error("the network has lost an answer");
      return results;
    });
    const answers = clients.map((client, n) => client.ask({ publish: { channel: ROOM, data: n } }));
    await until(() => vi.mocked(Channel.prototype.publish).mock.calls.length > 0);
    const last = await Client.connect("last");
    await last.ask({ presence_stats: { channel: ROOM } });
    gate.open();
    for (const answer of await Promise.all(answers)) expect(answer["publish"]).toEqual({});
    expect(together[1]?.slice(0, together[0]?.length)).toEqual(together[0]);
    expect((await kept()).toSorted()).toEqual([0, 1, 2, 3]);
  });

  test("a channel of the release before takes the publications one by one", async () => {
    const clients = await clientsOf("auto-1", 4);
    const gate = new Gate();
    holdFirst(gate);
    const old = vi.spyOn(Channel.prototype, "publishAll").mockImplementation(() => {
      throw new TypeError('The RPC receiver does not implement the method "publishAll".');
    });
    const answers = clients.map((client, n) => client.ask({ publish: { channel: ROOM, data: n } }));
    await until(() => vi.mocked(Channel.prototype.publish).mock.calls.length > 0);
    const last = await Client.connect("last");
    await last.ask({ presence_stats: { channel: ROOM } });
    gate.open();
    for (const answer of await Promise.all(answers)) expect(answer["publish"]).toEqual({});
    expect(old).toHaveBeenCalled();
    expect((await kept()).toSorted()).toEqual([0, 1, 2, 3]);
  });
});

describe("[EL24] publications of one request to the server API are combined", () => {
  const calls = () => ({
    one: vi.spyOn(Channel.prototype, "publish"),
    many: vi.spyOn(Channel.prototype, "publishAll"),
  });
  const to = (channel: string, data: string) => ({ publish: { channel, data } });

  test("a batch keeps the order of its commands, and its publications to one channel go together", async () => {
    const { one: alone, many } = calls();
    const commands = [
      ...["a", "b", "c", "d"].map((data) => to(ROOM, data)),
      to("kept:other", "x"),
      to(ROOM, "e"),
      { history: { channel: ROOM, limit: 100 } },
    ];
    const { replies } = await api("batch", { commands });
    expect(replies.slice(0, 6).map((reply: any) => reply.publish.offset)).toEqual([1, 2, 3, 4, 1, 5]);
    expect(replies[6].history.publications.map(({ data }: any) => data)).toEqual(["a", "b", "c", "d", "e"]);
    expect(many.mock.calls.map(([publications]) => publications.length)).toEqual([3]);
    expect(alone).toHaveBeenCalledTimes(3);
  });

  test("a publication that is too large is refused alone, and has its own answer", async () => {
    const commands = [to(ROOM, "a"), to(ROOM, "b"), to(ROOM, "x".repeat(2_000_001)), to(ROOM, "c")];
    const { replies } = await api("batch", { commands, parallel: true });
    expect(replies.map((reply: any) => reply.publish?.offset ?? reply.error.code)).toEqual([1, 2, 107, 3]);
  });

  test("a broadcast publishes to a channel as often as it names it", async () => {
    const { many } = calls();
    const { result } = await api("broadcast", { channels: [ROOM, "kept:other", ROOM, ROOM], data: 1 });
    expect(result.responses.map((response: any) => response.result.offset)).toEqual([1, 1, 2, 3]);
    expect(many).toHaveBeenCalledTimes(1);
  });
});

describe("[BD2] the id of a publication that is not kept is removed", () => {
  test("the log makes an appointment for it also where nothing else is published", async () => {
    await channelStub(env, ROOM).publish(one("passing", { passing: true }), CONTRACT);
    expect(await appointmentsOf(channelObject(ROOM))).toContain("expire");
  });
});
