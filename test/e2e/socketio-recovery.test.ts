import type { Socket } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";

let cluster: SocketCluster;
beforeAll(async () => {
  cluster = await startSocketCluster({ socketio: { connectionStateRecovery: true } });
});
afterAll(() => cluster.stop());

type Returning = { readonly client: Socket; readonly said: unknown[]; readonly recovered: boolean[] };

/** A client that notes what it hears, without the offsets, and whether each connection was recovered. */
async function connect(options: Parameters<SocketCluster["client"]>[1] = {}, nsp = "/"): Promise<Returning> {
  const client = cluster.client(nsp, { reconnectionDelay: 300, reconnectionDelayMax: 300, ...options });
  const said: unknown[] = [];
  const recovered: boolean[] = [];
  client.on("said", (what: unknown) => said.push(what));
  client.on("connect", () => recovered.push(client.recovered));
  await heard(client, "hello");
  return { client, said, recovered };
}

const emit = (rooms: readonly string[], what: unknown, except: readonly string[] = []): Promise<unknown> =>
  cluster.server({ verb: "emit", rooms, except, args: ["said", what] });
const shardOf = ({ client }: Returning): string => client.id?.split("~")[0]?.slice("auto.".length) ?? "";
/** Cuts the connection, as a network would. */
const cut = ({ client }: Returning): Promise<unknown> => {
  const gone = heard(client, "disconnect");
  client.io.engine.close();
  return gone;
};
/** The client gives its connection up without a word to the server, and comes back before the server knows. */
const forget = ({ client }: Returning): void => {
  client.io.engine.transport.removeAllListeners();
  (client.io as unknown as { onclose(reason: string): void }).onclose("transport close");
};
const back = (one: Returning, times = 1): Promise<unknown> =>
  eventually(() => one.recovered.length > times && one.client.connected);

describe("a client that comes back", () => {
  test("[SO45] is the same socket, with its rooms and data, and gets what it has missed before it connects", async () => {
    const one = await connect({ reconnection: false });
    const { id } = one.client;
    await one.client.emitWithAck("join", "red");
    await one.client.emitWithAck("count");
    await emit(["red"], 1);
    await eventually(() => one.said.length === 1);
    const order: string[] = [];
    one.client.onAny((event: string) => order.push(event));
    one.client.on("connect", () => order.push("connect"));
    await cut(one);
    await emit(["red"], 2);
    await emit([String(id)], 3);
    await emit(["red", String(id), "blue"], 4);
    await emit([], 5);
    await emit(["red"], "not for it", [String(id)]);
    await emit(["blue"], "not for it");
    one.client.connect();
    await back(one);
    expect(one.said).toEqual([1, 2, 3, 4, 5]);
    expect(one.recovered).toEqual([false, true]);
    expect(one.client.id).toBe(id);
    expect(order.slice(0, 5)).toEqual(["said", "said", "said", "said", "connect"]);
    expect(await one.client.emitWithAck("who")).toEqual({
      recovered: true,
      rooms: [String(id), "red"].toSorted(),
      data: { count: 1 },
    });
    await emit(["red"], 6);
    await emit([String(id)], 7);
    await eventually(() => one.said.length === 7);
    expect(one.said.slice(5)).toEqual([6, 7]);
  });

  test("[SO41] has got no event yet, or none since it came back, and is recovered all the same", async () => {
    // The application says hello in the main namespace; this client hears nothing that has an offset.
    const client = cluster.client("/quiet", { reconnectionDelay: 100 });
    const recovered: boolean[] = [];
    client.on("connect", () => recovered.push(client.recovered));
    await heard(client, "connect");
    const { id } = client;
    for (let n = 2; n < 5; n++) {
      client.io.engine.close();
      await eventually(() => recovered.length === n && client.connected);
      expect(client.id).toBe(id);
    }
    expect(recovered).toEqual([false, true, true, true]);
  });

  test("[SO45] comes back again and again while others speak, and misses and repeats nothing", async () => {
    const one = await connect({ reconnectionDelay: 50, query: { key: "again" } });
    await one.client.emitWithAck("join", "busy");
    const until = new AbortController();
    let sent = 0;
    const speaking = (async () => {
      while (!until.signal.aborted) await emit(["busy"], sent++);
    })();
    for (let n = 1; n < 8; n++) {
      const before = one.said.length;
      await eventually(() => one.said.length > before + 3);
      await cut(one);
      await back(one, n);
    }
    until.abort();
    await speaking;
    await eventually(() => one.said.length >= sent);
    expect(one.said).toEqual(Array.from({ length: sent }, (_, n) => n));
    expect(one.recovered.slice(1).every(Boolean)).toBe(true);
  });

  test("[SO45] is faster than the end of its connection, and gets nothing twice", async () => {
    const one = await connect();
    const { id } = one.client;
    await one.client.emitWithAck("join", "green");
    await emit(["green"], 1);
    await eventually(() => one.said.length === 1);
    forget(one);
    await emit(["green"], 2);
    await emit([String(id)], 3);
    await back(one);
    await emit(["green"], 4);
    await eventually(() => one.said.length === 4);
    expect(one.said).toEqual([1, 2, 3, 4]);
    expect([one.recovered, one.client.id]).toEqual([[false, true], id]);
    expect(await cluster.server({ verb: "fetch", rooms: ["green"] })).toHaveLength(1);
  });

  test("[SO41] finds its session after the crash of its shard", async () => {
    const one = await connect({ query: { key: "crash" } });
    const { id } = one.client;
    await one.client.emitWithAck("join", "violet");
    await one.client.emitWithAck("count");
    await emit(["violet"], 1);
    await eventually(() => one.said.length === 1);
    await cluster.admin("POST", `/shards/${shardOf(one)}/crash`);
    await emit(["violet"], 2);
    await emit([String(id)], 3);
    await back(one);
    await emit(["violet"], 4);
    await eventually(() => one.said.length === 4);
    expect(one.said).toEqual([1, 2, 3, 4]);
    expect([one.recovered, one.client.id]).toEqual([[false, true], id]);
    expect(await one.client.emitWithAck("count")).toBe(2);
  });

  test("[SO46] moves to another shard, is reached there by its id, and moves again", async () => {
    const clients = await Promise.all(
      Array.from({ length: 16 }, (_, n) => connect({ query: { key: `mover-${n}` }, reconnectionDelay: 50 })),
    );
    await Promise.all(clients.map(({ client }) => client.emitWithAck("join", "movers")));
    await emit(["movers"], 0);
    await eventually(() => clients.every(({ said }) => said.length === 1));
    let sent = 1;
    const shards = ["auto-1", "auto-2", "auto-3", "auto-4", "auto-5"];
    for (const shard of shards) {
      await cluster.admin("POST", `/shards/${shard}/drain`, {});
      for (const until = Date.now() + 1_500; Date.now() < until; sent++) await emit(["movers"], sent);
    }
    await eventually(() => clients.every(({ client }) => client.connected));
    for (const { client } of clients) await emit([String(client.id)], `to ${client.id}`);
    sent += 1;
    await eventually(() => clients.every(({ said }) => said.length === sent));
    const numbers = (said: unknown[]) => said.filter((what) => typeof what === "number");
    for (const { said, recovered, client } of clients) {
      expect(numbers(said)).toEqual(numbers(clients[0]?.said ?? []));
      expect(said.filter((what) => typeof what === "string")).toEqual([`to ${client.id}`]);
      expect(recovered.slice(1).every(Boolean)).toBe(true);
    }
    expect(clients.some(({ recovered }) => recovered.length > 2)).toBe(true);
  });

  test("[SO10] hears nothing in one namespace that is for its id in another", async () => {
    const one = await connect();
    const chat = one.client.io.socket("/chat");
    const said: unknown[] = [];
    chat.on("said", (what: unknown) => said.push(what));
    await heard(chat, "hello");
    for (const id of [one.client.id, chat.id])
      await cluster.server({ verb: "emit", nsp: "/chat", rooms: [id], args: ["said", id] });
    await eventually(() => said.includes(chat.id));
    expect(said).toEqual([chat.id]);
  });

  test("[SO41] begins anew where it left by itself, or was thrown out, or states what nobody has said", async () => {
    const left = await connect();
    left.client.disconnect();
    left.client.connect();
    await back(left);
    const thrown = await connect();
    thrown.client.emit("throw away", false);
    await heard(thrown.client, "disconnect");
    thrown.client.connect();
    await back(thrown);
    const lying = await connect();
    await cut(lying);
    Object.assign(lying.client, { _lastOffset: "AbCdEfGh" });
    await back(lying);
    const other = await connect();
    await cut(other);
    // The secret of another session.
    Object.assign(other.client, { _pid: (lying.client as unknown as { _pid: string })._pid });
    await back(other);
    for (const { recovered } of [left, thrown, lying]) expect(recovered).toEqual([false, false]);
    // Possession of the secret is all that a stock server asks for, too; the session it names is taken once.
    expect(other.recovered).toHaveLength(2);
  });

  test("[SO45] `disconnect` is told where the data cannot be stored, and the client comes back with the data before", async () => {
    const other = await connect();
    const one = await connect();
    await one.client.emitWithAck("count");
    one.client.emit("spoil");
    await heard(one.client, "disconnect");
    await eventually(() => other.said.length > 0);
    expect(other.said).toEqual(["spoiled, and gone"]);
    await back(one);
    expect(one.recovered).toEqual([false, true]);
    expect(await one.client.emitWithAck("count")).toBe(2);
  });

  test("[SO40] volatile events have no offset, and are not sent again", async () => {
    const one = await connect({ reconnection: false });
    const other = await connect();
    await one.client.emitWithAck("join", "loose");
    const args: unknown[][] = [];
    one.client.on("said", (...all: unknown[]) => args.push(all));
    await emit(["loose"], 1);
    await one.client.emitWithAck("volatile", "loose", { n: 2 });
    await eventually(() => args.length === 2);
    expect(args).toEqual([[1, expect.stringMatching(/^[\w-]{8}\.[0-9a-z]+$/)], [{ n: 2 }]]);
    await cut(one);
    await other.client.emitWithAck("volatile", "loose", { n: 3 });
    await emit(["loose"], 4);
    one.client.connect();
    await back(one);
    await eventually(() => one.said.includes(4));
    expect(one.said).toEqual([1, { n: 2 }, 4]);
    expect(one.recovered).toEqual([false, true]);
  });
});
