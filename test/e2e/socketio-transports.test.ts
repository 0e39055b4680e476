import type { Socket } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";

const TRANSPORTS = [
  ["the default transports", ["polling", "websocket"]],
  ["polling only", ["polling"]],
  ["WebSocket only", ["websocket"]],
] as const;

test("[SO23] sessions that poll fill a shard as sockets do, and leave it", async () => {
  const cluster = await startSocketCluster({
    shards: { initial: 1 },
    limits: { sessionsPerShard: 2 },
    times: { lateErrorMs: 0 },
  });
  try {
    const open = (): Promise<Response> => fetch(new URL("/socket.io/?EIO=4&transport=polling", cluster.url));
    const first = await open();
    const { sid } = JSON.parse((await first.text()).slice(1)) as { sid: string };
    expect((await open()).status).toBe(200);
    const refused = await open();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, expect.any(String)]);
    const leave = { method: "POST", body: "1" };
    await fetch(new URL(`/socket.io/?EIO=4&transport=polling&sid=${sid}`, cluster.url), leave);
    expect((await open()).status).toBe(200);
  } finally {
    await cluster.stop();
  }
});

describe.each([1, 8])("stock clients of each transport, %d shards", (initial) => {
  let cluster: SocketCluster;
  beforeAll(async () => {
    cluster = await startSocketCluster({ shards: { initial } });
  });
  afterAll(() => cluster.stop());

  const connect = async (transports: readonly string[], key: string): Promise<Socket> => {
    const client = cluster.client("/", { transports: [...transports], query: { key } });
    await heard(client, "hello");
    return client;
  };

  test.each(TRANSPORTS)("[SO4] %s: connects, gets answers, binary data and rooms", async (_, transports) => {
    const clients = await Promise.all(Array.from({ length: 6 }, (_, n) => connect(transports, `key-${n}`)));
    const said = clients.map((client) => {
      const all: unknown[] = [];
      client.on("said", (...args: unknown[]) => all.push(args));
      return all;
    });
    const bytes = Buffer.from([0, 1, 254, 255]);
    for (const client of clients) {
      expect(await client.emitWithAck("echo", { deep: [bytes, "ü"] })).toEqual({ deep: [bytes, "ü"] });
      await client.emitWithAck("join", "room");
    }
    for (let n = 0; n < 20; n++) await clients[n % 6]?.emitWithAck("room", ["room"], [], n, bytes);
    await eventually(() => said.every(({ length }) => length === 20));
    for (const all of said) expect(all).toEqual(Array.from({ length: 20 }, (_, n) => [n, bytes]));
    const [transport] = transports.slice(-1);
    await eventually(() => clients.every(({ io }) => io.engine.transport.name === transport));
    expect(await clients[0]?.emitWithAck("echo", "after")).toBe("after");
  });

  test("[SO22] events that flow during the upgrade come once and in order, both ways", async () => {
    const sender = await connect(["websocket"], "sender");
    for (let round = 0; round < 5; round++) {
      const client = cluster.client("/", {
        transports: ["polling", "websocket"],
        query: { key: `r${round}` },
      });
      const said: unknown[] = [];
      client.on("said", (n: number) => said.push(n));
      await heard(client, "hello");
      await client.emitWithAck("join", "flow");
      let sent = 0;
      const answers: Promise<unknown>[] = [];
      const isUpgraded = (): boolean => client.io.engine.transport.name === "websocket";
      while (!isUpgraded() || sent < 50) {
        answers.push(client.emitWithAck("echo", sent));
        await sender.emitWithAck("room", ["flow"], [], sent);
        sent += 1;
      }
      await eventually(() => said.length >= sent);
      const all = Array.from({ length: sent }, (_, n) => n);
      expect([said, await Promise.all(answers)]).toEqual([all, all]);
      client.disconnect();
    }
  });

  test("[SO20] a client that polls is ended by the server, and leaves by itself", async () => {
    const client = await connect(["polling"], "leaver");
    const ended = heard(client, "disconnect");
    client.emit("throw away", true);
    expect((await ended)[0]).toBe("io server disconnect");
    const leaver = await connect(["polling"], "leaver");
    const { id } = leaver;
    leaver.emit("room", [], [], "bye", () => undefined);
    leaver.disconnect();
    await eventually(async () => {
      const sockets: { id: string }[] = await cluster.server({ verb: "fetch" });
      return !sockets.some((socket) => socket.id === id);
    });
  });
});
