import fc from "fast-check";
import { io, type Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";
import { startStock } from "../support/socketio/stock.ts";

let ours: SocketCluster;
let stock: Awaited<ReturnType<typeof startStock>>;
beforeAll(async () => {
  [ours, stock] = await Promise.all([startSocketCluster(), startStock()]);
});
afterAll(async () => {
  await Promise.all([ours.stop(), stock.stop()]);
});

const CLIENTS = 4;
const room = fc.constantFrom("red", "green", "blue", "a room, of ünusual name");
const rooms = fc.uniqueArray(room, { maxLength: 3 });
const bytes = fc.uint8Array({ maxLength: 9 }).map((array) => Buffer.from(array));
const step = fc.oneof(
  fc.tuple(fc.constant("join"), room),
  fc.tuple(fc.constant("leave"), room),
  fc.tuple(fc.constant("count")),
  fc.tuple(fc.constant("echo"), fc.oneof(fc.jsonValue(), bytes)),
  fc.tuple(fc.constant("room"), rooms, rooms),
  fc.tuple(fc.constant("others"), rooms),
);
type Script = readonly (readonly [number, readonly [string, ...unknown[]]])[];
/** So that unions meet sockets that are in several of their rooms. */
const BEGIN: Script = [0, 1, 2].flatMap((n): Script => [
  [n, ["join", "red"]],
  [n, ["join", n === 2 ? "blue" : "green"]],
  [n, ["room", ["red", "green"], ["blue"]]],
]);
const script = fc
  .array(fc.tuple(fc.nat(CLIENTS - 1), step), { minLength: 10, maxLength: 40 })
  .map((steps): Script => [...BEGIN, ...steps]);

/** What each client is answered, and what it hears of others: the order between rooms is open. */
type Observed = { readonly answers: unknown[]; readonly said: unknown[][][] };

async function play(url: URL, run: number, script: Script, expected?: Observed): Promise<Observed> {
  const clients: Socket[] = Array.from({ length: CLIENTS }, (_, n) =>
    io(url.href, { transports: ["websocket"], forceNew: true, query: { key: `${run}-${n}` } }),
  );
  const said = clients.map((client) => {
    const all: unknown[][] = [];
    client.on("said", (...args: unknown[]) => all.push(args));
    return all;
  });
  await Promise.all(clients.map((client) => heard(client, "hello")));
  const answers: unknown[] = [];
  for (const [n, [client, [event, ...args]]] of script.entries()) {
    const isEmit = event === "room" || event === "others";
    answers.push(await clients[client]?.emitWithAck(event, ...args, ...(isEmit ? [n, { n }] : [])));
  }
  if (expected !== undefined)
    await eventually(() => said.every((all, n) => all.length >= (expected.said[n]?.length ?? 0)));
  for (const client of clients) answers.push(await client.emitWithAck("echo", "end"));
  for (const client of clients) client.disconnect();
  for (const all of said) all.sort((a, b) => Number(a[0]) - Number(b[0]));
  return { answers, said };
}

test("[SO18] stock clients observe the same of a stock server and of eight shards", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(script, async (script) => {
      run += 1;
      const expected = await play(stock.url, run, script);
      expect(await play(ours.url, run, script, expected)).toEqual(expected);
    }),
    { seed: 20_261_129, numRuns: 12, endOnFailure: true },
  );
});
