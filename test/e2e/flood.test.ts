import { afterEach, describe, expect, test } from "vitest";
import { signToken, startCluster, type Cluster } from "../support/cluster.ts";
import { RawClient } from "../support/raw-client.ts";

let cluster: Cluster;
afterEach(() => cluster?.stop());

/** The status of an upgrade. After a 101 the client stays connected. */
const statusOf = (endpoint: string): Promise<number> =>
  new Promise((resolve, reject) => {
    RawClient.open(endpoint, {}, ({ statusCode }) => resolve(statusCode ?? 0)).then(
      () => resolve(101),
      reject,
    );
  });

describe("[BD23] a frame is admitted before it waits, and a client that sends too many is closed with 3013", () => {
  const floods: [kind: string, frame: string][] = [
    ["frames that ask for nothing", "{} "],
    ["commands", '{"id":2,"rpc":{}}'],
    ["long frames", JSON.stringify({ id: 2, rpc: { data: "x".repeat(60_000) } })],
  ];
  test("each kind of flood ends its own client, and touches no other", async () => {
    cluster = await startCluster({ cluster: { limits: { commandsPerSecond: 10, commandBurst: 100 } } });
    const endpoint = cluster.endpoint("busy");
    const witness = await RawClient.connect(endpoint);
    let id = 1;
    for (const [kind, frame] of floods) {
      const flooding = await RawClient.connect(endpoint);
      expect((await flooding.flood(() => frame)).code, kind).toBe(3013);
      expect((await witness.ask({ id: ++id, rpc: {} }))["error"].code).toBe(108);
    }
  });
});

describe("[BD24] strangers lock out nobody who comes with a token", () => {
  test("upgrades without a token leave most of the burst of a shard to those with one", async () => {
    const limits = { upgradesPerSecond: 1, upgradeBurst: 20 };
    cluster = await startCluster({ cluster: { insecure: false, anonymous: false, limits } });
    const strangers = await Promise.all(Array.from({ length: 60 }, () => statusOf(cluster.endpoint("rush"))));
    expect(strangers).toContain(101);
    expect(strangers).toContain(503);
    const token = await signToken({ sub: "ann" });
    const members = await Promise.all(
      Array.from({ length: 10 }, () => statusOf(`${cluster.endpoint("rush")}&token=${token}`)),
    );
    expect(members).toEqual(members.map(() => 101));
  });
});

describe("[BD25] the connections of a user are limited", () => {
  const connect = async (user: string): Promise<RawClient> => {
    const client = await RawClient.open(cluster.endpoint("place"));
    client.send({ id: 1, connect: { token: await signToken({ sub: user }) } });
    return client;
  };

  test("a connection over the limit is refused with 3504, and a place is free after a close", async () => {
    const connectionsPerUser = { max: 2, over: "refuse" };
    cluster = await startCluster({ cluster: { limits: { connectionsPerUser } } });
    const first = await connect("ann");
    await first.next();
    await (await connect("ann")).next();
    expect((await (await connect("ann")).closed).code).toBe(3504);
    await (await connect("bob")).next();
    // Clients without a user have no such limit.
    for (let n = 0; n < 4; n++) await RawClient.connect(cluster.endpoint("place"));
    first.close();
    await first.closed;
    await (await connect("ann")).next();
  });

  test("where the limit replaces, the oldest connection of the user ends", async () => {
    const connectionsPerUser = { max: 2, over: "replace" };
    cluster = await startCluster({ cluster: { limits: { connectionsPerUser } } });
    const clients: RawClient[] = [];
    for (let n = 0; n < 4; n++) {
      const client = await connect("ann");
      await client.next();
      clients.push(client);
    }
    const [first, second, third, fourth] = clients;
    expect((await first?.closed)?.code).toBe(3504);
    expect((await second?.closed)?.code).toBe(3504);
    for (const client of [third, fourth])
      expect((await client?.ask({ id: 2, rpc: {} }))?.["error"].code).toBe(108);
  });

  test("no connection ends for one that is not let in", async () => {
    const connectionsPerUser = { max: 1, over: "replace" };
    cluster = await startCluster({ cluster: { limits: { connectionsPerUser } } });
    const first = await connect("ann");
    await first.next();
    // More than a session has room for: each character is stored in two bytes.
    const info = { name: `\u0100${"x".repeat(9_000)}` };
    const second = await RawClient.open(cluster.endpoint("place"));
    second.send({ id: 1, connect: { token: await signToken({ sub: "ann", info }) } });
    expect((await second.closed).code).toBe(3501);
    expect((await first.ask({ id: 2, rpc: {} }))["error"].code).toBe(108);
  });
});

describe("[BD27] a client has a budget of new channels", () => {
  test("a client over it is refused with 111 in every command, and keeps what it has", async () => {
    cluster = await startCluster({
      cluster: { limits: { channelsPerClient: 5, newChannelsPerMinute: 6 } },
      namespaces: { DEFAULT: { presence: true, history_size: 10, history_ttl: "60s" } },
    });
    const client = await RawClient.connect(cluster.endpoint("wanderer"));
    let id = 1;
    const ask = async (command: object) =>
      (await client.ask({ id: ++id, ...command }))["error"]?.code as number | undefined;
    for (let n = 0; n < 5; n++) {
      expect(await ask({ subscribe: { channel: `room-${n}` } })).toBeUndefined();
      expect(await ask({ unsubscribe: { channel: `room-${n}` } })).toBeUndefined();
    }
    expect(await ask({ publish: { channel: "other", data: 1 } })).toBeUndefined();
    const commands = [
      (channel: string) => ({ subscribe: { channel } }),
      (channel: string) => ({ publish: { channel, data: 1 } }),
      (channel: string) => ({ presence: { channel } }),
      (channel: string) => ({ presence_stats: { channel } }),
      (channel: string) => ({ history: { channel } }),
    ];
    for (const command of commands) {
      expect(await ask(command("one-more"))).toBe(111);
      expect(await ask(command("room-3"))).toBeUndefined();
    }
  });
});
