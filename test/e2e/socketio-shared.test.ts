import type { Centrifuge, PublicationContext, Subscription } from "centrifuge";
import type { Socket } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";

const KEPT = { history_size: 100, history_ttl: "5m", force_recovery: true };

let cluster: SocketCluster;
beforeAll(async () => {
  cluster = await startSocketCluster(
    {},
    {
      chat: { socketio: true, presence: true, join_leave: true, force_push_join_leave: true, ...KEPT },
      live: { socketio: true },
      own: { ...KEPT },
    },
  );
});
afterAll(() => cluster.stop());

/** A Socket.IO client in some rooms, and all events that it hears. */
async function inRooms(key: string, rooms: readonly string[], user?: string) {
  const client = cluster.client("/", { query: { key }, auth: user === undefined ? {} : { user } });
  await heard(client, "connect");
  for (const room of rooms) await client.emitWithAck("join", room);
  const events: unknown[][] = [];
  // The greeting of the application may come late.
  client.onAny((...event: unknown[]) => event[0] !== "hello" && events.push(event));
  return { client, events };
}

/** A Centrifuge client in a channel, and the publications that it hears. */
async function subscribed(key: string, channel: string) {
  const client = cluster.centrifuge(key);
  const subscription = client.newSubscription(channel);
  const publications: PublicationContext[] = [];
  subscription.on("publication", (publication) => publications.push(publication));
  subscription.subscribe();
  client.connect();
  await subscription.ready();
  return { client, subscription, publications };
}

const emit = (rooms: readonly string[], args: readonly unknown[], more: object = {}) =>
  cluster.server({ verb: "emit", rooms, args, ...more });

describe("a shared room", () => {
  test("[SO50] each language hears the other, on every shard, and all hear one order", async () => {
    const sockets = await Promise.all([0, 1, 2, 3].map((n) => inRooms(`io-${n}`, ["chat:order"])));
    const others = await Promise.all([0, 1, 2, 3].map((n) => subscribed(`cf-${n}`, "chat:order")));
    expect(new Set(sockets.map(({ client }) => client.id?.split("~")[0])).size).toBeGreaterThan(1);
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        await sockets[n % 4]?.client.emitWithAck("room", ["chat:order"], [], `socket ${n}`);
        await others[n % 4]?.subscription.publish({ event: "said", args: [`subscriber ${n}`] });
        await cluster.api("publish", {
          channel: "chat:order",
          data: { event: "said", args: [`back end ${n}`] },
        });
      }),
    );
    await eventually(() => sockets.every(({ events }) => events.length >= 60));
    await eventually(() => others.every(({ publications }) => publications.length >= 60));
    const [first, ...rest] = [
      ...sockets.map(({ events }) => events),
      ...others.map(({ publications }) => publications.map(({ data }) => [data.event, ...data.args])),
    ];
    expect(new Set(first?.map(String)).size).toBe(60);
    for (const other of rest) expect(other).toEqual(first);
    expect(others[0]?.publications.map(({ offset }) => offset)).toEqual(
      Array.from({ length: 60 }, (_, n) => n + 1),
    );
  });

  test("[SO50] a room of another namespace of either kind stays closed", async () => {
    const { client, events } = await inRooms("closed", ["own:room", "plain"]);
    const chat = client.io.socket("/chat");
    await heard(chat, "connect");
    await chat.emitWithAck("join", "chat:closed");
    const theirs = heard(chat, "said");
    const own = await subscribed("closed-1", "own:room");
    const shared = await subscribed("closed-2", "chat:closed");
    await own.subscription.publish({ event: "said", args: ["into own:room"] });
    await shared.subscription.publish({ event: "said", args: ["into chat:closed"] });
    await client.emitWithAck("room", ["own:room"], [], "for sockets");
    await chat.emitWithAck("room", ["chat:closed"], [], "for sockets of /chat");
    expect(await theirs).toEqual(["for sockets of /chat"]);
    expect(events).toEqual([["said", "for sockets"]]);
    expect([own.publications.length, shared.publications.length]).toEqual([1, 1]);
  });

  test("[SO51] an event is `{event, args}`, and bytes are Base64, both ways", async () => {
    const { client, events } = await inRooms("map", ["chat:map"]);
    const { subscription, publications } = await subscribed("map", "chat:map");
    await client.emitWithAck("room", ["chat:map"], [], { deep: [Buffer.from([1, 2, 255])] }, null, 1.5);
    const args = [{ deep: [{ $binary: "AQL/" }] }, null, 1.5];
    await eventually(() => publications.length === 1);
    expect(publications[0]?.data).toEqual({ event: "said", args });
    await subscription.publish({ event: "told", args });
    await eventually(() => events.length === 2);
    const told = [{ deep: [Buffer.from([1, 2, 255])] }, null, 1.5];
    expect(events).toEqual([
      ["said", ...told],
      ["told", ...told],
    ]);
  });

  test("[SO51] other data is the event `publication`, with its publisher", async () => {
    const { events } = await inRooms("other", ["chat:other"]);
    const { client, subscription } = await subscribed("other", "chat:other");
    const info = { client: clientId(client), user: "" };
    const forged = { event: "publication", args: ["forged", { info: { user: "root" } }] };
    for (const data of [{ text: "hi" }, ["a", "list"], null, { event: "no args" }, forged])
      await subscription.publish(data);
    const tags = { kind: "news" };
    await cluster.api("publish", { channel: "chat:other", data: 7, tags, skip_history: true });
    await eventually(() => events.length === 6);
    const meta = (offset: number) => ({ channel: "chat:other", offset, info });
    expect(events).toEqual([
      ["publication", { text: "hi" }, meta(1)],
      ["publication", ["a", "list"], meta(2)],
      ["publication", null, meta(3)],
      ["publication", { event: "no args" }, meta(4)],
      ["publication", forged, meta(5)],
      ["publication", 7, { channel: "chat:other", tags }],
    ]);
  });

  test("[SO51] excepted rooms and unions hold among sockets, and subscribers see nothing of them", async () => {
    const ann = await inRooms("ann", ["chat:mixed", "plain"]);
    const bob = await inRooms("bob", ["chat:mixed", "quiet"]);
    const { subscription, publications } = await subscribed("carl", "chat:mixed");
    await ann.client.emitWithAck("others", ["chat:mixed"], "to others");
    await ann.client.emitWithAck("room", ["plain", "chat:mixed", ann.client.id], ["quiet"], "union");
    await emit(["chat:mixed"], ["said", "end"]);
    await eventually(() => publications.length === 3 && ann.events.length >= 2 && bob.events.length >= 2);
    expect(ann.events.map(([, text]) => text)).toEqual(["union", "end"]);
    expect(bob.events.map(([, text]) => text)).toEqual(["to others", "end"]);
    const { publications: kept } = await subscription.history({ limit: 10 });
    expect(kept).toEqual(publications);
    const { result } = await cluster.api("history", { channel: "chat:mixed", limit: 10 });
    for (const publication of result.publications)
      expect(Object.keys(publication)).toEqual(["data", "offset"]);
    for (const publication of publications) {
      expect(publication.data.event).toBe("said");
      expect(JSON.stringify(publication)).not.toMatch(/quiet|forFront|~/);
    }
  });

  test("[SO51] a volatile event is not kept", async () => {
    const { events } = await inRooms("volatile", ["chat:volatile", "live:volatile"]);
    const { subscription, publications } = await subscribed("volatile", "chat:volatile");
    await emit(["chat:volatile"], ["said", 1], { volatile: true });
    await emit(["chat:volatile"], ["said", 2]);
    await emit(["live:volatile"], ["said", 3], { volatile: true });
    await eventually(() => publications.length === 2 && events.length === 3);
    expect(publications.map(({ data, offset }) => [data.args, offset])).toEqual([
      [[1], undefined],
      [[2], 1],
    ]);
    const { publications: kept } = await subscription.history({ limit: 10 });
    expect(kept.map(({ data }) => data.args)).toEqual([[2]]);
  });

  test("[SO51] acknowledgements and local emits stay among sockets, and the server takes sockets in", async () => {
    const sockets = await Promise.all([0, 1, 2, 3].map((n) => inRooms(`stay-${n}`, [])));
    const { publications } = await subscribed("stay", "chat:stay");
    const ids = sockets.map(({ client }) => client.id);
    await cluster.server({ verb: "join", rooms: ids, room: "chat:stay" });
    for (const [n, { client }] of sockets.entries())
      client.on("question", (ack: (answer: number) => void) => ack(n));
    const { answers } = await cluster.server({ verb: "ask", rooms: ["chat:stay"], args: ["question"] });
    expect(answers.toSorted()).toEqual([0, 1, 2, 3]);
    await sockets[0]?.client.emitWithAck("near", "chat:stay", "near");
    await emit(["chat:stay"], ["said", "end"]);
    await eventually(
      () => publications.length > 0 && sockets.every(({ events }) => events.at(-1)?.[1] === "end"),
    );
    expect(publications.map(({ data }) => data.args)).toEqual([["end"]]);
    const here = ids.filter((id) => id?.split("~")[0] === ids[0]?.split("~")[0]);
    const near = sockets.filter(({ events }) => events.some(([, text]) => text === "near"));
    expect(near.map(({ client }) => client.id)).toEqual(here);
  });

  test("[SO52] presence counts both, and shows the user of a socket or its id", async () => {
    const channel = "chat:presence";
    const seen: unknown[] = [];
    const { client, subscription } = await subscribed("p", channel);
    subscription.on("join", ({ info }) => {
      // Its own is told, too, if it comes late enough.
      if (info.client !== clientId(client)) seen.push(["join", info.user, info.client]);
    });
    subscription.on("leave", ({ info }) => seen.push(["leave", info.user, info.client]));
    const ann = await inRooms("p-1", [channel], "ann");
    const nobody = await inRooms("p-2", [channel]);
    const [annId, nobodyId] = [ann.client.id ?? "", nobody.client.id ?? ""];
    // A handler names the socket and joins before it ends.
    const bob = await inRooms("p-3", []);
    await bob.client.emitWithAck("enter", channel, "bob");
    await eventually(() => seen.length === 3);
    expect(seen.pop()).toEqual(["join", "bob", bob.client.id]);
    await bob.client.emitWithAck("leave", channel);
    await eventually(() => seen.length === 3);
    expect(seen.pop()).toEqual(["leave", "bob", bob.client.id]);
    const { clients } = await subscription.presence();
    expect(Object.values(clients).map(({ user, client: id }) => [user, id])).toEqual(
      expect.arrayContaining([
        ["", clientId(client)],
        ["ann", annId],
        [nobodyId, nobodyId],
      ]),
    );
    expect(Object.keys(clients).length).toBe(3);
    expect(await cluster.api("presence_stats", { channel })).toEqual({
      result: { num_clients: 3, num_users: 3 },
    });
    const found = await cluster.server({ verb: "fetch", rooms: [channel], except: ["chat:other"] });
    expect(found.map(({ id }: { id: string }) => id).toSorted()).toEqual([annId, nobodyId].toSorted());
    await ann.client.emitWithAck("leave", channel);
    nobody.client.disconnect();
    await eventually(() => seen.length === 4);
    expect(seen.slice(0, 2)).toEqual([
      ["join", "ann", annId],
      ["join", nobodyId, nobodyId],
    ]);
    expect(seen.slice(2)).toEqual(
      expect.arrayContaining([
        ["leave", "ann", annId],
        ["leave", nobodyId, nobodyId],
      ]),
    );
  });

  test("[SO53] no data ends a connection, and what is too much is refused to its sender", async () => {
    const { client, events } = await inRooms("bad", ["chat:bad"]);
    const { subscription } = await subscribed("bad", "chat:bad");
    const binary = { $binary: "AA==" };
    const data = [
      ...["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"].map(
        (event) => ({ event, args: [] }),
      ),
      { event: { toString: 1 }, args: [] },
      { event: "bytes", args: [{ $binary: "no base64!" }, { $binary: 7 }, { $binary: "AA==", more: 1 }] },
      { event: "many", args: Array.from({ length: 11 }, () => binary) },
      { event: "placeholder", args: [binary, { _placeholder: true, num: 9 }] },
      { event: "deep", args: [JSON.parse(`${"[".repeat(490)}${"]".repeat(490)}`)] },
      JSON.parse('{"event":"proto","args":[{"__proto__":{"x":1},"constructor":2}]}'),
      { event: 5, args: [] },
    ];
    for (const one of data) await subscription.publish(one);
    await eventually(() => events.length === data.length);
    expect([client.connected, client.io.engine.id]).toEqual([true, expect.any(String)]);
    expect(events.map(([event]) => event)).toEqual([
      ...Array.from({ length: 7 }, () => "publication"),
      "bytes",
      "many",
      "placeholder",
      "deep",
      "proto",
      5,
    ]);
    expect(events.slice(7, 10).map(([, ...args]) => args)).toEqual(data.slice(7, 10).map((one) => one.args));
    const deep: unknown = JSON.parse(`${"[".repeat(600)}${"]".repeat(600)}`);
    await expect(emit(["chat:bad"], ["said", deep])).rejects.toThrow("500");
    await expect(emit(["chat:bad", "x"], ["said", "x".repeat(1_048_576)])).rejects.toThrow("500");
    const names = ["chat:é", "chat: ", `chat:${"x".repeat(255)}`, "chat:\n"];
    for (const name of names) {
      await expect(emit([name], ["said"]), name).rejects.toThrow("500");
      await expect(emit(["chat:bad"], ["said"], { except: [name] }), name).rejects.toThrow("500");
    }
    await expect(client.timeout(500).emitWithAck("join", "chat:é")).rejects.toThrow("timed out");
    await subscription.publish("still here");
    await eventually(() => events.length === data.length + 1);
  });

  test("[SO54] a socket hears nothing from before its join, and subscribers resume over its events", async () => {
    const { client, events } = await inRooms("late", []);
    const { subscription, publications, client: subscriber } = await subscribed("early", "chat:late");
    await emit(["chat:late"], ["said", 1]);
    await eventually(() => publications.length === 1);
    await client.emitWithAck("join", "chat:late");
    subscriber.disconnect();
    await emit(["chat:late"], ["said", 2], { except: ["nobody"] });
    await eventually(() => events.length === 1);
    await resumed(subscriber, subscription);
    await eventually(() => publications.length === 2);
    await client.emitWithAck("leave", "chat:late");
    await emit(["chat:late"], ["said", 3]);
    await eventually(() => publications.length === 3);
    expect(events).toEqual([["said", 2]]);
    expect(publications.map(({ data }) => data)).toEqual(
      [1, 2, 3].map((n) => ({ event: "said", args: [n] })),
    );
  });
});

const clientId = (client: Centrifuge): string => (client as unknown as { _client: string })._client;

async function resumed(client: Centrifuge, subscription: Subscription): Promise<void> {
  const again = new Promise<boolean>((resolve) =>
    subscription.once("subscribed", ({ recovered }) => resolve(recovered)),
  );
  client.connect();
  expect(await again).toBe(true);
}

test("[SO50] a crash of the channel loses, repeats and reorders nothing for anybody who stays", async () => {
  const sockets = await Promise.all([0, 1, 2, 3].map((n) => inRooms(`crash-${n}`, ["chat:crash"])));
  const { publications } = await subscribed("crash", "chat:crash");
  for (let n = 0; n < 30; n++) {
    if (n % 10 === 5) await cluster.admin("POST", "/channels/chat%3Acrash/crash");
    if (n % 2 === 0) await emit(["chat:crash"], ["said", n]);
    else await cluster.api("publish", { channel: "chat:crash", data: { event: "said", args: [n] } });
  }
  await eventually(() =>
    [publications, ...sockets.map(({ events }) => events)].every(({ length }) => length >= 30),
  );
  const all = Array.from({ length: 30 }, (_, n) => n);
  for (const { events } of sockets) expect(events.map(([, n]) => n)).toEqual(all);
  expect(publications.map(({ data }) => data.args[0])).toEqual(all);
});

test("[SO50] a move takes the members of a shared room along", async () => {
  const sockets = await Promise.all([0, 1, 2, 3, 4, 5].map((n) => inRooms(`move-${n}`, ["chat:move"])));
  const { subscription } = await subscribed("move", "chat:move");
  // The application joins again: a socket that comes back is a new one.
  for (const { client } of sockets) client.on("connect", () => client.emit("join", "chat:move", () => {}));
  const drained = sockets[0]?.client.id?.split("~")[0] ?? "";
  await cluster.admin("POST", `/shards/${drained.slice("auto.".length)}/drain`, {});
  const moved = (client: Socket) => client.connected && client.id?.startsWith(`${drained}~`) === false;
  await eventually(() => sockets.every(({ client }) => moved(client)));
  await eventually(async () => {
    const { result } = await cluster.api("presence_stats", { channel: "chat:move" });
    return result.num_clients === 7;
  });
  await subscription.publish({ event: "said", args: ["after the move"] });
  await eventually(() => sockets.every(({ events }) => events.some(([, text]) => text === "after the move")));
});

test("[SO54] a socket that is recovered has missed nothing of a shared room, from whomever it came", async () => {
  const own = await startSocketCluster(
    { socketio: { connectionStateRecovery: true } },
    { chat: { socketio: true, ...KEPT } },
  );
  try {
    const join = async (key: string) => {
      const client = own.client("/", { query: { key }, reconnectionDelay: 200, reconnectionDelayMax: 200 });
      await heard(client, "connect");
      const events: unknown[][] = [];
      // With recovery the last argument is the place of the event.
      client.onAny((...event: unknown[]) => event[0] !== "hello" && events.push(event.slice(0, -1)));
      await client.emitWithAck("join", "chat:back");
      return { client, events };
    };
    const [away, stays] = await Promise.all([join("away"), join("stays")]);
    const subscriber = own.centrifuge("back");
    const subscription = subscriber.newSubscription("chat:back");
    subscription.subscribe();
    subscriber.connect();
    await subscription.ready();
    const say = async (round: string) => {
      await subscription.publish({ event: "said", args: [`${round}: subscriber`] });
      await own.api("publish", { channel: "chat:back", data: `${round}: back end` });
      await own.server({ verb: "emit", rooms: ["chat:back"], args: ["said", `${round}: server`] });
      await stays.client.emitWithAck("others", ["chat:back"], `${round}: socket`);
    };
    await say("before");
    await eventually(() => away.events.length === 4);
    const { id } = away.client;
    const back = heard(away.client, "connect");
    away.client.io.engine.close();
    await say("while away");
    await back;
    await say("after");
    await eventually(() => away.events.length >= 12);
    expect([away.client.recovered, away.client.id]).toEqual([true, id]);
    const texts = ["subscriber", "back end", "server", "socket"];
    expect(away.events.map(([, text]) => text)).toEqual(
      ["before", "while away", "after"].flatMap((round) => texts.map((text) => `${round}: ${text}`)),
    );
    expect(stays.events.length).toBe(9);
  } finally {
    await own.stop();
  }
});
