import type { Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";

const TRANSPORTS = [["polling", "websocket"], ["polling"], ["websocket"]];
const CLIENTS = 24;

let cluster: SocketCluster;
beforeAll(async () => {
  cluster = await startSocketCluster({ shards: { initial: 2 } });
});
afterAll(() => cluster.stop());

const shardOf = (client: Socket): string => client.id?.split("~")[0] ?? "";

/** Each client asks again and again; an answer that is wrong, or comes twice, is a fault. */
function keepAsking(clients: readonly Socket[]): () => Promise<string[]> {
  const faults: string[] = [];
  const end = new AbortController();
  const asking = clients.map(async (client, n) => {
    for (let asked = 0; !end.signal.aborted; asked++) {
      try {
        const answer: unknown = await client.timeout(20_000).emitWithAck("echo", asked);
        if (answer !== asked) faults.push(`client ${n}: ${String(answer)} for ${asked}`);
      } catch {
        // The answer was lost with its connection, or the client is away.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  });
  return async () => {
    end.abort();
    await Promise.all(asking);
    return faults;
  };
}

test("[SO13] clients of every transport come back when a shard joins and when one drains, and the others stay", async () => {
  const clients = Array.from({ length: CLIENTS }, (_, n) =>
    cluster.client("/", {
      transports: TRANSPORTS[n % 3] as ("polling" | "websocket")[],
      query: { key: `mover-${n}` },
      reconnectionDelay: 50,
      reconnectionDelayMax: 200,
    }),
  );
  const reasons = clients.map((client) => {
    const all: string[] = [];
    client.on("disconnect", (reason) => all.push(reason));
    return all;
  });
  await Promise.all(clients.map((client) => heard(client, "hello")));
  const stop = keepAsking(clients);

  const before = clients.map(shardOf);
  await cluster.admin("POST", "/shards", { ids: ["third"], weight: 16 });
  await eventually(
    () => clients.every(({ connected }) => connected) && clients.some((one) => shardOf(one) === "auto.third"),
  );
  await eventually(() =>
    clients.filter((one, n) => shardOf(one) !== before[n]).every(({ connected }) => connected),
  );
  const drained = shardOf(clients[0] as Socket);
  await cluster.admin("POST", `/shards/${drained.slice("auto.".length)}/drain`, {});
  await eventually(() => clients.every((one) => one.connected && shardOf(one) !== drained));

  expect(await stop()).toEqual([]);
  const moved = reasons.filter(({ length }) => length > 0);
  expect(moved.length).toBeLessThan(CLIENTS);
  // A request that was under way with the move may find its session gone.
  for (const reason of reasons.flat()) expect(["transport close", "transport error"]).toContain(reason);
  for (const [n, client] of clients.entries()) expect(await client.emitWithAck("echo", n)).toBe(n);
});
