import { afterEach, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { Shard } from "../../src/shard/shard.ts";
import { adopted, changeRing, keysOf, startOver, until } from "./client.ts";
import { Client, fetchWorker } from "./socketio-client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

async function growTo64(): Promise<void> {
  await changeRing({ kind: "add", count: 56 });
  await adopted();
}

/** Counts the calls that carry an emit, and no other: what others cause at the same time does not disturb it. */
function countCalls() {
  const toChannel = [vi.spyOn(Channel.prototype, "publish"), vi.spyOn(Channel.prototype, "publishAll")];
  const direct = vi.spyOn(Shard.prototype, "deliver");
  const relayed = vi.spyOn(Shard.prototype, "relay");
  const questions = vi.spyOn(Shard.prototype, "askFront");
  const carrying = (spies: readonly { readonly mock: { readonly calls: unknown[][] } }[], text: string) =>
    spies.flatMap(({ mock }) => mock.calls).filter((call) => JSON.stringify(call).includes(text)).length;
  return (text: string) => ({
    toChannel: carrying(toChannel, text),
    toShards: carrying([direct, relayed], text),
    relayed: carrying([relayed], text),
    questions: carrying([questions], text),
  });
}

test.each([
  { shards: 4, relays: 0 },
  { shards: 16, relays: 0 },
  { shards: 64, relays: 8 },
])(
  "[SO38] an emit to a room on $shards of 64 shards costs one call to its channel and one for each of these",
  async ({ shards, relays }) => {
    await growTo64();
    const clients: Client[] = [];
    for (let n = 1; n <= shards; n++) {
      const [key = ""] = await keysOf(`auto-${n}`, 1);
      clients.push((await Client.connect(`&key=${key}`)).answerPings());
    }
    await Promise.all(clients.map((client) => client.ask("join", "wide")));
    // It joins no room, so its shard need not hear.
    const speaker = (await Client.connect("&key=speaker")).answerPings();
    const counts = countCalls();
    for (const text of ["the first of two", "the second of two"]) {
      await speaker.ask("room", ["wide"], [], text);
      await until(() => clients.every(({ frames }) => frames.includes(`42["said","${text}"]`)));
      expect(counts(text)).toEqual({ toChannel: 1, toShards: shards, relayed: relays, questions: 0 });
    }
  },
  180_000,
);

test("[SO38] a question about sockets by their ids costs one call to each shard that these name", async () => {
  await growTo64();
  const [ann, bob] = [await Client.connect("&key=ann"), await Client.connect("&key=bob")];
  const ids = [ann, bob].map(
    ({ frames }) =>
      /"sid":"(auto[^"]*)"/.exec(String(frames.find((frame) => String(frame).startsWith("40"))))?.[1],
  );
  const counts = countCalls();
  const fetchSockets = async (rooms: unknown[]) => {
    const request = { method: "POST", body: JSON.stringify({ verb: "fetch", rooms }) };
    const response = await fetchWorker(new Request("https://ringcast.test/server", request));
    return (await response.json<{ id: string }[]>()).map(({ id }) => id);
  };
  expect(await fetchSockets([ids[0]])).toEqual([ids[0]]);
  expect(counts(ids[0] ?? "").questions).toBe(1);
  expect(await fetchSockets([ids[1], "a room"])).toEqual([ids[1]]);
  expect(counts("a room").questions).toBe(64);
}, 180_000);
