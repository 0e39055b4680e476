import { Centrifuge as CentrifugeV5, type Subscription } from "centrifuge";
import { Centrifuge as CentrifugeV4 } from "centrifuge-v4";
import WebSocket from "ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, signToken, startCluster, type Cluster } from "../support/cluster.ts";

const OPEN = { presence: true, join_leave: true };
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ namespaces: { DEFAULT: OPEN } });
});
afterAll(() => cluster?.stop());

const once = (target: any, event: string): Promise<any> =>
  new Promise((resolve) => target.once(event, resolve));

async function subscribed(subscription: Subscription): Promise<Subscription> {
  const ready = once(subscription, "subscribed");
  subscription.subscribe();
  await ready;
  return subscription;
}

for (const [major, Centrifuge] of [
  ["5.8", CentrifugeV5],
  ["4.1", CentrifugeV4 as unknown as typeof CentrifugeV5],
] as const) {
  describe(`stock SDK ${major}`, () => {
    const connect = async (key: string, options = {}) => {
      const client = new Centrifuge(cluster.endpoint(key), { websocket: WebSocket, ...options });
      const ready = once(client, "connected");
      client.connect();
      await ready;
      return client;
    };

    test("[SE1] clients on different shards hear each other, in order and once", async () => {
      const clients = await Promise.all(
        ["a", "b", "c", "d", "e", "f"].map((key) => connect(`${major}-${key}`)),
      );
      const channel = `room-${major}`;
      const heard = clients.map(() => [] as number[]);
      await Promise.all(
        clients.map((client, n) => {
          const subscription = client.newSubscription(channel);
          subscription.on("publication", ({ data }: any) => heard[n]?.push(data.n));
          return subscribed(subscription);
        }),
      );
      const sent = Array.from({ length: 50 }, (_, n) => n);
      for (const n of sent) await clients[n % clients.length]?.publish(channel, { n });
      await eventually(() => heard.every((list) => list.length >= sent.length));
      for (const list of heard) expect(list).toEqual(sent);
      for (const client of clients) client.disconnect();
    });

    test("[SE1] presence has the clients of all shards, and a watcher hears their joins and leaves", async () => {
      const channel = `lobby-${major}`;
      const watcher = await connect(`watcher-${major}`, { token: await signToken({ sub: "watcher" }) });
      const watching = watcher.newSubscription(channel, { joinLeave: true });
      const seen: string[] = [];
      watching.on("join", ({ info }: any) => seen.push(`join ${info.user}`));
      watching.on("leave", ({ info }: any) => seen.push(`leave ${info.user}`));
      await subscribed(watching);
      const users = ["ann", "bob", "cat"];
      const guests = await Promise.all(
        users.map(async (user) => {
          const client = await connect(`${user}-${major}`, {
            token: await signToken({ sub: user, info: { name: user } }),
          });
          await subscribed(client.newSubscription(channel));
          return client;
        }),
      );
      await eventually(async () => (await watching.presenceStats()).numClients === 4);
      const { clients } = await watching.presence();
      expect(
        Object.values(clients)
          .map((info: any) => info.user)
          .toSorted(),
      ).toEqual(["ann", "bob", "cat", "watcher"]);
      expect(Object.values(clients).find((info: any) => info.user === "ann")).toMatchObject({
        connInfo: { name: "ann" },
      });
      for (const guest of guests) guest.disconnect();
      await eventually(() =>
        users.every((user) => seen.includes(`join ${user}`) && seen.includes(`leave ${user}`)),
      );
      await eventually(async () => (await watching.presenceStats()).numClients === 1);
      watcher.disconnect();
    });

    test("[AU1] a wrong token ends the connection for good, and the client fetches a new token for an expired one", async () => {
      const wrong = new Centrifuge(cluster.endpoint("x"), {
        websocket: WebSocket,
        token: await signToken({ sub: "eve" }, "another-secret-of-32-bytes-or-more!!"),
      });
      const ended = once(wrong, "disconnected");
      wrong.connect();
      expect((await ended).code).toBe(3500);

      let fetched = 0;
      const late = await connect("late", {
        token: await signToken({ sub: "late", exp: inSeconds(-10) }),
        getToken: async () => {
          fetched += 1;
          return signToken({ sub: "late", exp: inSeconds(60) });
        },
      });
      expect(fetched).toBe(1);
      late.disconnect();
    });

    test("[AU1] a connection refreshes its token before it expires", async () => {
      let fetched = 0;
      const client = await connect("fresh", {
        token: await signToken({ sub: "fresh", exp: inSeconds(2) }),
        getToken: async () => {
          fetched += 1;
          return signToken({ sub: "fresh", exp: inSeconds(60) });
        },
      });
      await eventually(() => fetched === 1);
      expect(client.state).toBe("connected");
      client.disconnect();
    });

    test("[SE1] the server subscribes a client to the channels of its token", async () => {
      const channel = `given-${major}`;
      const client = new Centrifuge(cluster.endpoint("given"), {
        websocket: WebSocket,
        token: await signToken({ sub: "given", channels: [channel] }),
      });
      const heard: unknown[] = [];
      client.on("publication", (context: any) => heard.push([context.channel, context.data]));
      const given: string[] = [];
      client.on("subscribed", (context: any) => given.push(context.channel));
      client.connect();
      await eventually(() => given.length === 2);
      // The second channel is the broadcast channel.
      expect(given.toSorted()).toEqual([channel, "ringcast:broadcast"]);
      const other = await connect("giver");
      await other.publish(channel, { hello: 1 });
      await eventually(() => heard.length === 1);
      expect(heard).toEqual([[channel, { hello: 1 }]]);
      client.disconnect();
      other.disconnect();
    });

    test("[SE3] an rpc without a hook is answered with 108", async () => {
      const client = await connect("rpc");
      await expect(client.rpc("anything", {})).rejects.toMatchObject({ code: 108 });
      client.disconnect();
    });
  });
}
