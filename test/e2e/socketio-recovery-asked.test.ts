import type { Socket } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/cluster.ts";
import { heard, startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";

/** Recovered sockets whose middlewares are asked again. */
let cluster: SocketCluster;
beforeAll(async () => {
  cluster = await startSocketCluster({ socketio: { connectionStateRecovery: { skipMiddlewares: false } } });
});
afterAll(() => cluster.stop());

const OPEN = { password: "open sesame" };
const openClosed = (auth: object = {}): Socket =>
  cluster.client("/closed", { auth: { ...OPEN, ...auth }, reconnection: false });
const comeBack = async (client: Socket, auth: object = {}): Promise<void> => {
  client.io.engine.close();
  client.auth = { ...OPEN, ...auth };
  client.connect();
  await heard(client, "connect");
};
const emit = (rooms: readonly string[], what: unknown): Promise<unknown> =>
  cluster.server({ verb: "emit", nsp: "/closed", rooms, args: ["said", what] });

test("[SO45] a session that a middleware refuses is gone", async () => {
  const client = openClosed();
  await heard(client, "hello");
  const { id } = client;
  await comeBack(client);
  expect([client.recovered, client.id]).toEqual([true, id]);
  client.io.engine.close();
  client.auth = { password: "wrong" };
  client.connect();
  expect(await heard(client, "connect_error")).toMatchObject([{ message: "not allowed" }]);
  client.auth = OPEN;
  client.connect();
  await heard(client, "connect");
  expect(client.recovered).toBe(false);
  expect(client.id).not.toBe(id);
});

test.each(["the first", "a later"])(
  "[SO45] a middleware changes the rooms of %s namespace",
  async (which) => {
    const red = `red of ${which}`;
    const blue = `blue of ${which}`;
    const client = openClosed({ rooms: [red] });
    const main = client.io.socket("/");
    const namespaces = which === "the first" ? [client] : [main, client];
    if (which === "a later") main.connect();
    await heard(client, "hello");
    const said: unknown[] = [];
    client.on("said", (what: unknown) => said.push(what));
    const goAndComeBack = async (what: string, auth: object): Promise<void> => {
      client.io.engine.close();
      await emit([red], `${red} ${what}`);
      await emit([blue], `${blue} ${what}`);
      client.auth = { ...OPEN, ...auth };
      for (const namespace of namespaces) namespace.connect();
      await heard(client, "connect");
      expect(client.recovered).toBe(true);
    };
    // It has missed what was said in the rooms of before, and leaves one of them.
    await goAndComeBack("first", { rooms: [blue], parted: [red], told: ["back"] });
    const rooms = async (): Promise<string[]> => (await client.emitWithAck("who")).rooms;
    expect(await rooms()).toEqual([client.id, blue].toSorted());
    await emit([blue], "here");
    await goAndComeBack("second", {});
    expect(await rooms()).toEqual([client.id, blue].toSorted());
    await eventually(() => said.length >= 4);
    expect(said).toEqual([`${red} first`, { what: "back" }, "here", `${blue} second`]);
  },
);

test("[SO45] the end of a connection by another namespace leaves a session that is being recovered", async () => {
  // The signal is of the shard that gives it: all are on one.
  const query = { key: "of one shard" };
  const main = cluster.client("/", { auth: { thrownAwayAt: "the signal" }, reconnection: false, query });
  const { io } = main;
  const client = io.socket("/closed", { auth: OPEN });
  client.connect();
  await heard(client, "hello");
  const { id } = client;
  const witness = cluster.client("/", { query });
  await heard(witness, "hello");
  io.engine.close();
  client.auth = { ...OPEN, until: "the signal" };
  main.connect();
  client.connect();
  await heard(main, "hello");
  const ended = heard(main, "disconnect");
  await witness.emitWithAck("signal", "the signal");
  expect((await ended)[0]).toBe("io server disconnect");
  await eventually(() => io.engine.readyState === "closed");
  client.auth = OPEN;
  client.connect();
  await heard(client, "connect");
  expect([client.recovered, client.id]).toEqual([true, id]);
});
