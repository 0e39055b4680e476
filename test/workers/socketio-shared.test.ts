import { evictAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { channelObject, startOver, until } from "./client.ts";
import { fetchWorker, Client } from "./socketio-client.ts";

afterEach(() => startOver());

const CHANNEL = "both:room";

async function publish(data: unknown): Promise<void> {
  const request = new Request("https://ringcast.test/api/publish", {
    method: "POST",
    headers: { "x-api-key": "test-api-key-of-16" },
    body: JSON.stringify({ channel: CHANNEL, data }),
  });
  expect(await (await fetchWorker(request)).json()).toMatchObject({ result: {} });
}

const said = ({ frames }: Client): string[] =>
  frames.map(String).filter((frame) => /^42\["(said|publication)"/.test(frame));

test("[SO54] a sleep is invisible in a shared room, and repeats nothing", async () => {
  const client = await Client.connect("&key=ann");
  const other = await Client.connect("&key=bob");
  await publish({ event: "said", args: ["before the join"] });
  await client.ask("join", CHANNEL);
  await publish({ event: "said", args: [1] });
  await client.next('42["said"');
  await evictAllDurableObjects({ webSockets: "hibernate" });
  await publish({ event: "said", args: [2] });
  await client.next('42["said"');
  await evictAllDurableObjects({ webSockets: "hibernate" });
  await other.ask("room", [CHANNEL], [], 3);
  await client.next('42["said"');
  expect(said(client)).toEqual(['42["said",1]', '42["said",2]', '42["said",3]']);
  expect(said(other)).toEqual([]);
});

test("[SO54] a socket whose shard cannot know what it has missed is closed, so that its client begins anew", async () => {
  const client = await Client.connect("&key=ann");
  await client.ask("join", CHANNEL);
  await publish(1);
  await client.next('42["publication",1');
  await runInDurableObject(channelObject(CHANNEL), (_, { storage }) => {
    storage.sql.exec("UPDATE log SET epoch = 'another'");
  });
  await evictDurableObject(channelObject(CHANNEL));
  await publish(2);
  expect(await client.closed).toBe(4010);
});

test("[SO53] a name that no channel may have is refused to the handler that joins, and a room in it is none", async () => {
  const client = await Client.connect("&key=ann");
  client.say('42["join","both:é"]');
  client.say('42["leave","both:é"]');
  expect(await client.ask("join", CHANNEL)).toEqual([[CHANNEL]]);
  await client.ask("leave", CHANNEL);
  expect(await client.ask("join", "other:é")).toEqual([["other:é"]]);
  await publish(1);
  await client.ask("room", ["other:é"], [], "end");
  await until(() => said(client).length > 0);
  expect(said(client)).toEqual(['42["said","end"]']);
});
