import type { Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_KEY, eventually, READ_KEY } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";

let cluster: SocketCluster;
beforeAll(async () => {
  cluster = await startSocketCluster({
    socketio: { path: "/rt" },
    limits: { apiBodyBytes: 200_000, channelsPerClient: 8 },
  });
});
afterAll(() => cluster.stop());

async function connect(key: string, ...rooms: string[]): Promise<Socket> {
  const client = cluster.client("/api", { path: "/rt", query: { key } });
  await heard(client, "connect");
  for (const room of rooms) await client.emitWithAck("join", room);
  return client;
}

/** A request of another back end; the status, and the answer as JSON. */
async function post(method: string, body: unknown, key = API_KEY): Promise<[number, any]> {
  const response = await fetch(new URL(`/rt/api/${method}`, cluster.url), {
    method: "POST",
    headers: key === "" ? {} : { "x-api-key": key },
    body: typeof body === "string" ? body : JSON.stringify({ namespace: "api", ...(body as object) }),
  });
  return [response.status, await response.json()];
}

const collect = (client: Socket): unknown[][] => {
  const all: unknown[][] = [];
  client.on("said", (...args: unknown[]) => all.push(args));
  return all;
};

test("[SO35] another back end emits to rooms, binary data too", async () => {
  const [ann, bob] = [await connect("ann", "http"), await connect("bob", "http", "muted")];
  const said = [ann, bob].map(collect);
  const bytes = { $binary: "AP8=" };
  const event = { event: "said", args: ["hi", { deep: [bytes] }], rooms: ["http"], except: ["muted"] };
  expect(await post("emit", event)).toEqual([200, {}]);
  expect(await post("emit", { event: "said", args: ["all"], volatile: true })).toEqual([200, {}]);
  await eventually(() => said[0]?.length === 2 && said[1]?.length === 1);
  expect(said[0]).toContainEqual(["hi", { deep: [Buffer.from([0, 255])] }]);
  expect(said[1]).toEqual([["all"]]);
});

test("[SO35] clients answer an event of another back end", async () => {
  const [ann, bob] = [await connect("ann", "asked"), await connect("bob", "asked", "silent")];
  ann.on("question", (text: string, ack: (answer: unknown) => void) => ack([text, Buffer.from([1])]));
  const question = { event: "question", args: ["why"], rooms: ["asked"] };
  expect(await post("emit", { ...question, except: ["silent"], timeoutMs: 10_000 })).toEqual([
    200,
    { answers: [["why", { $binary: "AQ==" }]], complete: true },
  ]);
  const [status, partly] = await post("emit", { ...question, timeoutMs: 300 });
  expect([status, partly.complete, partly.answers.length, bob.connected]).toEqual([200, false, 1, true]);
});

test("[SO35] it lists, moves and ends sockets, and reaches handlers on every shard", async () => {
  const [ann, bob] = [await connect("ann", "moved"), await connect("bob", "moved")];
  const said = [ann, bob].map(collect);
  const ids = [ann, bob].map(({ id }) => id).toSorted();
  const [, { sockets }] = await post("sockets", { rooms: ["moved"] });
  expect(sockets.map(({ id }: { id: string }) => id).toSorted()).toEqual(ids);
  expect(sockets[0]).toEqual({ id: sockets[0].id, rooms: [sockets[0].id, "moved"], data: {} });
  expect(await post("join", { rooms: ["moved"], to: ["new", "old"] })).toEqual([200, {}]);
  expect(await post("leave", { rooms: [ann.id], to: ["new"] })).toEqual([200, {}]);
  expect(await post("emit", { rooms: ["new"], event: "said", args: [1] })).toEqual([200, {}]);
  await eventually(() => said[1]?.length === 1);
  expect(said).toEqual([[], [[1]]]);
  const told = await post("server-side-emit", { event: "double", args: [{ n: 4 }], wait: true });
  expect(told).toEqual([
    200,
    { answers: Array.from({ length: 8 }, () => ({ n: 4, name: "/api", twice: 8 })), complete: true },
  ]);
  expect(await post("server-side-emit", { event: "say on all", args: ["told"] })).toEqual([200, {}]);
  await eventually(() => said.every((all) => all.flat().includes("told")));
  const ended = heard(ann, "disconnect");
  expect(await post("disconnect", { rooms: [ann.id], close: true })).toEqual([200, {}]);
  expect((await ended)[0]).toBe("io server disconnect");
  expect(bob.connected).toBe(true);
});

test("[SO35] a key opens it, and the reading key lists sockets alone", async () => {
  const event = { event: "said" };
  const code = async (...call: Parameters<typeof post>) => {
    const [status, { error }] = await post(...call);
    return [status, error.code];
  };
  expect(await code("emit", event, "")).toEqual([401, "noKey"]);
  expect(await code("emit", event, "wrong")).toEqual([401, "wrongKey"]);
  expect(await code("unknown", event, "wrong")).toEqual([401, "wrongKey"]);
  expect(await code("emit", event, READ_KEY)).toEqual([403, "readOnly"]);
  expect((await post("sockets", {}, READ_KEY))[0]).toBe(200);
  expect(await code("unknown", event)).toEqual([404, "notFound"]);
});

test.each([
  ["no JSON", "{", "not JSON"],
  ["no event", {}, "event"],
  ["a reserved event", { event: "disconnect" }, "reserved event name"],
  ["an unknown field", { event: "said", room: "lobby" }, "room"],
  ["another type", { event: "said", rooms: "lobby" }, "rooms"],
  ["a name that is no text", { event: "said", rooms: ["\ud800"] }, "malformed"],
  ["a name that is too long", { event: "said", rooms: ["語".repeat(100)] }, "too long"],
  ["too many rooms", { event: "said", rooms: Array.from({ length: 501 }, String) }, "at most 500 rooms"],
  ["too many levels", `{"event":"said","args":[${"[".repeat(600)}${"]".repeat(600)}]}`, "500 levels"],
  ["too long a wait", { event: "said", timeoutMs: 60_001 }, "timeoutMs"],
])("[SO35] %s is refused with a sentence", async (_, body, message) => {
  const [status, { error }] = await post("emit", body);
  expect([status, error.code]).toEqual([400, "badRequest"]);
  expect(error.message).toContain(message);
});

test("[SO35] a request that is too large is refused, and one that a socket cannot take says so", async () => {
  const [status, { error }] = await post("emit", { event: "said", args: ["x".repeat(200_000)] });
  expect([status, error.code]).toEqual([413, "tooLarge"]);
  const client = await connect("ann", "full");
  const to = Array.from({ length: 8 }, (_, n) => `room-${n}`);
  const [failed, { error: reason }] = await post("join", { rooms: ["full"], to });
  expect([failed, reason.code]).toEqual([503, "unavailable"]);
  expect(reason.message).toContain("rooms at most");
  expect(client.connected).toBe(true);
});

test("[SO35][FH4] the OpenAPI document describes every method, under its path, and another method is 405", async () => {
  const response = await fetch(new URL("/rt/api/openapi.json", cluster.url));
  const document = (await response.json()) as { openapi: string; servers: unknown; paths: object };
  expect([document.openapi, document.servers]).toEqual(["3.1.0", [{ url: "/rt/api" }]]);
  expect(Object.keys(document.paths).toSorted()).toEqual([
    "/disconnect",
    "/emit",
    "/join",
    "/leave",
    "/server-side-emit",
    "/sockets",
  ]);
  const read = await fetch(new URL("/rt/api/emit", cluster.url));
  expect([read.status, read.headers.get("allow")]).toEqual([405, "POST"]);
  const elsewhere = await fetch(new URL("/socket.io/api/emit", cluster.url), { method: "POST" });
  expect(elsewhere.status).toBe(404);
});
