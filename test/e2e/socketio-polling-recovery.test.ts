import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";

let cluster: SocketCluster;
beforeAll(async () => {
  cluster = await startSocketCluster({ socketio: { connectionStateRecovery: true } });
});
afterAll(() => cluster.stop());

/** Events for the room, one after the other. */
async function emit(from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await cluster.server({ verb: "emit", rooms: ["room"], args: ["said", n] });
}

test.each([[["polling"]], [["polling", "websocket"]]] as const)(
  "[SO45] a client over %s is the same socket after its shard has crashed, and misses nothing",
  async (transports) => {
    const client = cluster.client("/", {
      transports: [...transports],
      reconnectionDelay: 300,
      reconnectionDelayMax: 300,
    });
    const said: unknown[] = [];
    client.on("said", (n: unknown) => said.push(n));
    await heard(client, "hello");
    await client.emitWithAck("join", "room");
    await client.emitWithAck("count");
    const { id = "" } = client;
    await emit(1, 3);
    await eventually(() => said.length === 3);
    const shard = id.slice("auto.".length).split("~")[0] ?? "";
    const gone = heard(client, "disconnect");
    await cluster.admin("POST", `/shards/${shard}/crash`);
    await emit(4, 6);
    await gone;
    await eventually(() => client.connected);
    await emit(7, 9);
    await eventually(() => said.length >= 9);
    expect(said).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([client.recovered, client.id, await client.emitWithAck("count")]).toEqual([true, id, 2]);
    client.disconnect();
  },
);
