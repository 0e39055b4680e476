import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { io } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/cluster.ts";
import { startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";
import { play, scriptOf } from "../support/socketio/script.ts";
import { startStock } from "../support/socketio/stock.ts";
import { tier } from "../support/tier.ts";

let eight: SocketCluster;
let one: SocketCluster;
let stock: Awaited<ReturnType<typeof startStock>>;
beforeAll(async () => {
  [eight, one, stock] = await Promise.all([
    startSocketCluster(),
    startSocketCluster({ shards: { initial: 1 } }),
    startStock(),
  ]);
});
afterAll(async () => {
  await Promise.all([eight.stop(), one.stop(), stock.stop()]);
});

const SIZES = { quick: { steps: 60, runs: 4 }, release: { steps: 300, runs: 10 } };

test(
  "[SO18] stock clients observe the same of a stock server, of one shard and of eight",
  { timeout: 1_800_000 },
  async () => {
    const { steps, runs } = tier(SIZES);
    let count = 0;
    await fc.assert(
      fc.asyncProperty(scriptOf({ steps }), async (script) => {
        const run = `run-${(count += 1)}`;
        const expected = await play(stock.url, { script, run });
        expect(await play(one.url, { script, run, expected })).toEqual(expected);
        expect(await play(eight.url, { script, run, expected })).toEqual(expected);
      }),
      // A script takes seconds, and a shorter one that fails would need many of them.
      { seed: 20_261_129, numRuns: runs, endOnFailure: true },
    );
  },
);

/** What a stock client hears whose middleware has worked with its socket. */
async function observeMiddleware(url: URL): Promise<unknown> {
  const auth = {
    password: "open sesame",
    rooms: ["red", "green"],
    parted: ["green"],
    told: [1, 2],
    question: "why",
  };
  const client = io(new URL("/closed", url).href, { auth, forceNew: true });
  try {
    const heard: unknown[] = [];
    client.on("hello", () => heard.push("hello"));
    client.on("question", (question, answer) => answer(`${question} not`));
    client.on("said", (...args) => heard.push(args));
    const isHeard = (what: unknown) => () => heard.some((one) => isDeepStrictEqual(one, [what]));
    await eventually(isHeard({ answer: "why not" }));
    for (const room of ["green", "red"]) await client.emitWithAck("room", [room], [], room);
    await eventually(isHeard("red"));
    const { rooms } = await client.emitWithAck("who");
    return { heard, rooms: rooms.filter((room: string) => room !== client.id) };
  } finally {
    client.disconnect();
  }
}

test("[SO5] what a middleware does to a socket holds when that is let in, as on a stock server", async () => {
  const expected = {
    heard: [[{ what: 1 }], [{ what: 2 }], "hello", [{ answer: "why not" }], ["red"]],
    rooms: ["red"],
  };
  const servers = { stock, one, eight };
  for (const [name, { url }] of Object.entries(servers))
    expect({ name, ...((await observeMiddleware(url)) as object) }).toEqual({ name, ...expected });
});
