import type { Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";
import { tier } from "../support/tier.ts";

/** An object sleeps after 10 s without an event (docs/platform.md P21). In 30 s there is a ping, too. */
const IDLE_MS = tier({ quick: 15_000, release: 30_000 });
/** The shard looks for connections that have joined nothing, and its idle time begins after that. */
const STALE_MS = tier({ quick: 2_000, release: 10_000 });
const ROUNDS = tier({ quick: 1, release: 4 });

let cluster: SocketCluster;
beforeAll(async () => {
  cluster = await startSocketCluster({ shards: { initial: 1 }, times: { staleConnectionMs: STALE_MS } });
});
afterAll(() => cluster.stop());

const idle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, IDLE_MS));

/** When the shard's object was last made. */
const wokeAt = (): Promise<number> => cluster.server({ verb: "woke at", room: "auto-1" });

/** With the transports of a stock client: polling, then the upgrade. */
async function connect(): Promise<Socket> {
  const client = cluster.client("/", { transports: ["polling", "websocket"] });
  await heard(client, "hello");
  await eventually(() => client.io.engine.transport.name === "websocket");
  return client;
}

test("[SO22] the shard of an idle stock client with its default transports sleeps", async () => {
  const clients: Socket[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    clients.push(await connect());
    for (const client of clients) await client.emitWithAck("count");
    const before = await wokeAt();
    expect(before).toBeGreaterThan(0);
    await idle();
    expect(await wokeAt()).toBeGreaterThan(before);
    for (const [n, client] of clients.entries())
      expect(await client.emitWithAck("count")).toBe(2 * (round - n));
  }
});
