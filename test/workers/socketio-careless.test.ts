import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { SocketIoShard } from "../support/socketio/worker.ts";
import { startOver, until } from "./client.ts";
import { Client, fetchWorker } from "./socketio-client.ts";
import { Poller } from "./socketio-poller.ts";

/** Handlers and clients that go to the limits of the interface (test/support/socketio/careless-app.ts). */
afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

const connect = (key: string, nsp = "/careless,"): Promise<Client> => Client.connect(`&key=${key}`, nsp);
const said = (client: Client, nsp = "/careless,"): string[] =>
  client.frames.map(String).filter((frame) => frame.startsWith(`42${nsp}["said"`));

test.each(["local", "everywhere"])(
  "[SO10] an emit sends its arguments as they are at the call, %s",
  async (how) => {
    const ann = await connect("ann");
    await ann.ask("join", "red");
    ann.say(`42/careless,${JSON.stringify(["change its arguments", "red", how])}`);
    await until(() => said(ann).length === 2);
    expect(said(ann)).toEqual(['42/careless,["said",{"n":1,"gone":"yes"}]', '42/careless,["said",{"n":2}]']);
  },
);

test("[SO10] an emit that no JSON holds, and that nobody waits for, is in the log", async () => {
  const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const ann = await connect("ann");
  await ann.ask("emit what is no JSON", "red");
  await until(() => errors.mock.calls.length > 0);
});

test("[SO10] the id of a socket in one namespace reaches nobody in another", async () => {
  const ann = await connect("ann");
  const [id] = (await ann.ask("id")) as string[];
  ann.say("40/other,");
  await ann.next('42/other,["hello"');
  const bob = await connect("bob", "/other,");
  await bob.ask("say", id);
  await bob.ask("join", "red");
  ann.say('42/other,1["join","red"]');
  await ann.next("43/other,1");
  await bob.ask("say", "red");
  await ann.next('42/other,["said"');
  expect(said(ann, "/other,")).toHaveLength(1);
});

test("[SO7] a socket that has gone has no rooms, and none of the socket after it", async () => {
  const ann = await connect("ann");
  const [id] = (await ann.ask("id")) as string[];
  ann.say("41/careless,");
  ann.say("40/careless,");
  await ann.next('42/careless,["hello"');
  expect(await ann.ask("join", 5)).toEqual([["5"]]);
  // The memory is of all shards here.
  const bob = await connect("bob");
  expect(await bob.ask("rooms of", id)).toEqual([[]]);
});

describe("[SO5] while a middleware takes its time", () => {
  // The promises of a middleware are of its shard: all clients have one key.
  test("the other namespaces of its client go on, and what comes for this one waits", async () => {
    const [ann, bob, other] = [await connect("ann"), await connect("ann"), await connect("ann")];
    ann.say('40/slow,{"key":"of ann"}');
    expect(await ann.ask("join", "red")).toEqual([["red"]]);
    bob.say('40/slow,{"key":"of bob"}');
    bob.say('42/slow,7["echo","waits"]');
    for (const key of ["of ann", "of bob"]) {
      await until(async () => ((await other.ask("waits", key)) as boolean[])[0] === true);
      other.say(`42/careless,${JSON.stringify(["release", key])}`);
    }
    await ann.next("40/slow,");
    expect(await bob.next("43/slow,7")).toBe('43/slow,7["waits"]');
  });

  test("it may ask its client elsewhere", async () => {
    const ann = await connect("ann");
    const [id] = (await ann.ask("id")) as string[];
    ann.say(`40/slow,${JSON.stringify({ ask: id })}`);
    const question = await ann.next("42/careless,");
    ann.say(question.replace("42", "43").replace('"confirm"', "true"));
    expect(await ann.next('42/slow,["hello"')).toBe('42/slow,["hello"]');
  });
});

test.each(["false", "0", '""'])("[SO5] `next(%s)` is no error", async (value) => {
  const nsp = `/falsy/${value}`;
  const ann = await Client.open();
  ann.say(`40${nsp},`);
  await ann.next(`40${nsp},`);
  ann.say(`42${nsp},1["echo",1]`);
  expect(await ann.next(`43${nsp},1`)).toBe(`43${nsp},1[1]`);
});

test("[SO30] a function for namespaces may answer as stock applications do, with an error that is undefined", async () => {
  const ann = await Client.open();
  ann.say("40/function/true,");
  expect(await ann.next("40/function/true,")).toContain("sid");
  ann.say("40/function/false,");
  await ann.next("44/function/false,");
});

test("[SO38] ids of one shard cost it one call, however many a client makes up", async () => {
  const ann = await connect("ann");
  const bob = await connect("bob");
  const [id = ""] = (await bob.ask("id")) as string[];
  const made = Array.from(
    { length: 500 },
    (_, n) => `${id.slice(0, id.indexOf("~"))}~${String(n).padStart(20, "a")}`,
  );
  const calls = vi.spyOn(SocketIoShard.prototype, "askFront");
  await ann.ask("say", [...made, id]);
  await until(() => said(bob).length === 1);
  expect(calls.mock.calls.length).toBeLessThan(5);
});

test("[SO22] a session has had so many sockets to change over to, and then is refused them", async () => {
  const poller = await Poller.connect();
  const { sid } = poller.handshake;
  const headers = { upgrade: "websocket" };
  const url = `https://ringcast.test/socket.io/?EIO=4&transport=websocket&sid=${sid}`;
  const sockets: WebSocket[] = [];
  let status = 101;
  while (status === 101 && sockets.length < 50) {
    const answer = await fetchWorker(new Request(url, { headers }));
    ({ status } = answer);
    if (answer.webSocket === null) break;
    // A peer that says nothing to the close that it gets.
    answer.webSocket.accept({ allowHalfOpen: true });
    answer.webSocket.send("x");
    sockets.push(answer.webSocket);
  }
  expect([status, sockets.length]).toEqual([400, 8]);
  expect((await poller.post('421["echo",1]')).status).toBe(200);
  for (const socket of sockets) socket.close();
});

test("[SO35] a join that no socket can carry out is refused, and does nothing", async () => {
  const ann = await connect("ann");
  const call = async (to: readonly string[], namespace = "/careless"): Promise<number> => {
    const init = { method: "POST", headers: { "x-api-key": env.API_KEY ?? "" } };
    const body = JSON.stringify({ namespace, to });
    return (await fetchWorker(new Request("https://ringcast.test/socket.io/api/join", { ...init, body })))
      .status;
  };
  const [id = ""] = (await ann.ask("id")) as string[];
  for (const wrong of ["x".repeat(1_000), "\ud800", id]) expect(await call(["fine", wrong])).toBe(400);
  expect(await call(["fine"], "/\ud800")).toBe(400);
  expect(await ann.ask("join", "red")).toEqual([["red"]]);
});
