import fc from "fast-check";
import { io, type Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";
import { startStock } from "../support/socketio/stock.ts";

let ours: SocketCluster;
let stock: Awaited<ReturnType<typeof startStock>>;
beforeAll(async () => {
  [ours, stock] = await Promise.all([
    startSocketCluster({ socketio: { connectionStateRecovery: true } }),
    startStock({ connectionStateRecovery: {} }),
  ]);
});
afterAll(async () => {
  await Promise.all([ours.stop(), stock.stop()]);
});

const CLIENTS = 3;
const room = fc.constantFrom("red", "green", "blue");
const rooms = fc.uniqueArray(room, { maxLength: 3 });
/** What one client does. A client that is cut off is back after the next step of its own. */
const step = fc.oneof(
  fc.tuple(fc.constant("join"), room),
  fc.tuple(fc.constant("leave"), room),
  fc.tuple(fc.constant("count")),
  fc.tuple(fc.constant("room"), rooms, rooms),
  fc.tuple(fc.constant("room"), rooms, rooms),
  fc.tuple(fc.constant("others"), rooms),
  fc.tuple(fc.constant("echo"), fc.jsonValue()),
  fc.tuple(fc.constant("cut")),
);
type Script = readonly (readonly [number, readonly [string, ...unknown[]]])[];
const script = fc
  .array(fc.tuple(fc.nat(CLIENTS - 1), step), { minLength: 15, maxLength: 40 })
  .map((steps): Script => [
    [0, ["join", "red"]],
    [0, ["join", "blue"]],
    [0, ["cut"]],
    [1, ["room", ["red", "blue"], ["green"]]],
    ...steps,
  ]);

/** What each client is answered, what it hears, and whether it was recovered at each of its connects. */
type Observed = { readonly answers: unknown[]; readonly said: unknown[][]; readonly recovered: boolean[][] };

async function play(url: URL, run: number, script: Script, expected?: Observed): Promise<Observed> {
  const clients: Socket[] = Array.from({ length: CLIENTS }, (_, n) =>
    io(url.href, {
      transports: ["websocket"],
      forceNew: true,
      reconnection: false,
      query: { key: `${run}-${n}` },
    }),
  );
  const said: unknown[][] = clients.map(() => []);
  const recovered: boolean[][] = clients.map(() => []);
  for (const [n, client] of clients.entries()) {
    // The last argument is the offset, which no two servers have alike.
    client.on("said", (...args: unknown[]) => said[n]?.push(args.slice(0, -1)));
    client.on("connect", () => recovered[n]?.push(client.recovered));
  }
  await Promise.all(clients.map((client) => heard(client, "hello")));
  const answers: unknown[] = [];
  const back = async (client: Socket): Promise<void> => {
    if (client.connected) return;
    const connected = heard(client, "connect");
    client.connect();
    await connected;
  };
  for (const [n, [at, [event, ...args]]] of script.entries()) {
    const client = clients[at];
    if (client === undefined) continue;
    if (event === "cut") {
      if (client.connected) client.io.engine.close();
      continue;
    }
    await back(client);
    const isEmit = event === "room" || event === "others";
    answers.push(await client.emitWithAck(event, ...args, ...(isEmit ? [n, { n }] : [])));
    // A stock server sends a client again what a room was sent before the client joined it, after the last that the
    // client has heard; so it hears something now.
    if (event === "join") await client.emitWithAck("room", [client.id], [], n, { n });
  }
  for (const client of clients) await back(client);
  if (expected !== undefined)
    await eventually(() => said.every((all, n) => all.length >= (expected.said[n]?.length ?? 0)));
  for (const client of clients) answers.push(await client.emitWithAck("echo", "end"));
  for (const client of clients) answers.push(await client.emitWithAck("count"));
  for (const client of clients) client.disconnect();
  return { answers, said, recovered };
}

/** The order between rooms is open; a client that was cut off hears the same nevertheless. */
const inOrder = ({ answers, said, recovered }: Observed) => ({
  answers,
  recovered,
  said: said.map((all) => all.toSorted((a, b) => Number((a as unknown[])[0]) - Number((b as unknown[])[0]))),
});

test("[SO45] clients that are cut off and come back observe the same of a stock server with recovery", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(script, async (script) => {
      run += 1;
      const expected = await play(stock.url, run, script);
      expect(expected.recovered[0]?.[1]).toBe(true);
      expect(inOrder(await play(ours.url, run, script, expected))).toEqual(inOrder(expected));
    }),
    { seed: 20_261_129, numRuns: 10, endOnFailure: true },
  );
});
