import { env } from "cloudflare:workers";
import { abortAllDurableObjects, createExecutionContext } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { Shard } from "../../src/shard/shard.ts";
import worker from "../support/socketio/worker.ts";
import { startOver } from "./client.ts";
import { ask, BAD_REQUEST, fetchWorker, OK, Poller, SEPARATOR, UNKNOWN } from "./socketio-poller.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

describe("[SO20] a session that polls", () => {
  test("[SO20] the handshake offers the upgrade, and its id is not the id of a socket", async () => {
    const { status, body, headers } = await ask("EIO=4&transport=polling&t=x");
    const { sid, ...handshake } = JSON.parse(body.slice(1));
    expect([status, body[0], headers.get("content-type"), headers.get("cache-control")]).toEqual([
      200,
      "0",
      "text/plain; charset=UTF-8",
      "no-store",
    ]);
    expect(handshake).toEqual({
      upgrades: ["websocket"],
      pingInterval: 2_000,
      pingTimeout: 5_000,
      maxPayload: 65_536,
    });
    expect(sid).toMatch(/^auto\.[\w-]+~[\w-]{20}$/);
    const poller = new Poller(body);
    await poller.post("40");
    expect(await poller.next("40")).not.toContain(sid);
  });

  test("[SO20] connects, emits and receives", async () => {
    const ann = await Poller.connect("&key=ann");
    const posted = await ann.post('421["echo","hi"]');
    expect(posted).toMatchObject(OK);
    expect([posted.headers.get("content-type"), posted.headers.get("cache-control")]).toEqual([
      "text/html",
      "no-store",
    ]);
    expect(await ann.get()).toMatchObject({ status: 200, body: '431["hi"]' });
    await ann.post('422["join","room"]');
    await ann.next("432");
    const bob = await Poller.connect("&key=bob");
    const said = ann.next('42["said"');
    await bob.post('421["room",["room"],[],"hi"]');
    expect(await said).toBe('42["said","hi"]');
  });

  test("[SO20] bodies and answers have many packets, binary ones as base64", async () => {
    const poller = await Poller.connect();
    const placeholder = '{"_placeholder":true,"num":0}';
    await poller.post(
      ['421["echo",1]', `451-2["echo",${placeholder}]`, "bAQID", '423["echo",3]'].join(SEPARATOR),
    );
    const { body } = await poller.get();
    expect(body.split(SEPARATOR)).toEqual(["431[1]", `461-2[${placeholder}]`, "bAQID", "433[3]"]);
  });

  test("[SO20] a second GET ends the session: the first is told of the close", async () => {
    const poller = await Poller.connect();
    const first = poller.get();
    const second = poller.get();
    expect(await first).toMatchObject({ status: 200, body: "1" });
    expect(await second).toMatchObject(BAD_REQUEST);
    expect(await poller.get()).toMatchObject(UNKNOWN);
  });

  test("[SO20] a second POST ends the session", async () => {
    const poller = await Poller.connect();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const first = poller.post(readable);
    const writer = writable.getWriter();
    await writer.write(new TextEncoder().encode("42"));
    const held = poller.get();
    expect(await poller.post("3")).toMatchObject(BAD_REQUEST);
    expect(await held).toMatchObject({ status: 200, body: "1" });
    // The rest of its body is not waited for.
    expect(await first).toMatchObject(BAD_REQUEST);
    expect(await poller.post("3")).toMatchObject(UNKNOWN);
  });

  test.each([
    ["no packet", "abc", {}],
    ["an empty body", "", {}],
    ["a packet of no type after a good one", `42["echo"]${SEPARATOR}9`, {}],
    ["base64 that is not whole", "bA", {}],
    ["bytes", "4", { headers: { "content-type": "application/octet-stream" } }],
  ])("[SO20] a body with %s ends the session", async (_, body, init) => {
    const poller = await Poller.connect();
    expect(await poller.post(body, init)).toMatchObject(BAD_REQUEST);
    expect(await poller.get()).toMatchObject(UNKNOWN);
  });

  test.each(["2", "4x", "49", '42/chat,["echo"]', '451-["echo",{"_placeholder":true,"num":0}]\u001E40'])(
    "[SO20] the packet %s ends the session",
    async (packet) => {
      const poller = await Poller.connect();
      const held = poller.get();
      expect((await poller.post(packet)).body).toBe("ok");
      expect(await held).toMatchObject({ body: "1" });
      expect(await poller.post("3")).toMatchObject(UNKNOWN);
    },
  );

  test("[SO20] a body of more than maxPayload is refused, and the session goes on", async () => {
    const poller = await Poller.connect();
    const large = `42["echo","${"x".repeat(65_536)}"]`;
    expect((await poller.post(large)).status).toBe(413);
    const bytes = new Blob([large]).stream();
    expect((await poller.post(bytes)).status).toBe(413);
    const most = `421["echo","${"ü".repeat(32_000)}"]`;
    expect(await poller.post(most)).toMatchObject(OK);
    expect(await poller.next("431")).toHaveLength(32_000 + 7);
  });

  test("[SO20] a client closes: its packets before are carried out, and a held GET ends", async () => {
    const witness = await Poller.connect("&key=ann");
    const leaving = await Poller.connect("&key=bob");
    const held = leaving.get();
    const said = witness.next('42["said"');
    const [posted, answered] = await Promise.all([
      leaving.post(`42["shout","x"]${SEPARATOR}421["room",[],[],"bye"]${SEPARATOR}41${SEPARATOR}1`),
      held,
    ]);
    expect([posted.body, answered.body.split(SEPARATOR).at(-1)]).toEqual(["ok", "6"]);
    expect(await said).toBe('42["said","bye"]');
    expect(await leaving.get()).toMatchObject(UNKNOWN);
    expect(await leaving.post("3")).toMatchObject(UNKNOWN);
  });

  test("[SO20] a client that the server ends gets its last packets, and then is unknown", async () => {
    const poller = await Poller.connect();
    await poller.post('42["throw away",true]');
    expect(await poller.post("3")).toMatchObject(OK);
    // No other request takes what the next GET is owed.
    const websocket = poller.query.replace("polling", "websocket");
    expect(await ask(websocket, { headers: { upgrade: "websocket" } })).toMatchObject(UNKNOWN);
    expect((await ask(poller.query, { method: "PUT" })).status).toBe(400);
    expect(await poller.get()).toMatchObject({ status: 200, body: "41" });
    expect(await poller.post("3")).toMatchObject(OK);
    expect(await poller.get()).toMatchObject({ status: 200, body: "1" });
    expect(await poller.get()).toMatchObject(UNKNOWN);
    expect(await poller.post("3")).toMatchObject(UNKNOWN);
  });

  test("[SO20] a session whose shard has lost its memory is unknown", async () => {
    const poller = await Poller.connect();
    await abortAllDurableObjects();
    expect(await poller.get()).toMatchObject(UNKNOWN);
    expect(await poller.post("3")).toMatchObject(UNKNOWN);
  });
});

describe("[SO24] sessions that poll are pinged by timers", () => {
  test("[SO24] a ping follows each answer, and nothing else comes", async () => {
    const poller = await Poller.connect();
    for (let n = 0; n < 2; n++) {
      expect(await poller.get()).toMatchObject({ status: 200, body: "2" });
      await poller.post("3");
    }
  });

  test("[SO24] a client that answers no ping is told of the close, and is unknown then", async () => {
    const poller = await Poller.connect();
    expect((await poller.get()).body).toBe("2");
    expect((await poller.get()).body).toBe("1");
    expect(await poller.get()).toMatchObject(UNKNOWN);
  });

  test("[SO24] packets other than the answer do not keep a session", async () => {
    const poller = await Poller.connect();
    const answers: string[] = [];
    const polling = (async () => {
      for (;;) {
        const { status, body } = await poller.get();
        if (status !== 200) return;
        answers.push(body);
      }
    })();
    while (!answers.includes("1")) {
      await poller.post('42["nothing"]');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await polling;
    expect(answers).toEqual(["2", "1"]);
  });
});

describe("[SO21] the session's id leads to its shard", () => {
  test.each([
    ["no id of ours", "x"],
    ["a shard that is not in the ring", "auto.s999~aaaaaaaaaaaaaaaaaaaa"],
    ["a region that is none", "mars.s1~aaaaaaaaaaaaaaaaaaaa"],
    ["another session of its shard", undefined],
  ])("[SO21] %s is unknown", async (_, given) => {
    const poller = await Poller.connect();
    const sid = given ?? poller.handshake.sid.replace(/~.*/, "~aaaaaaaaaaaaaaaaaaaa");
    expect(await ask(`EIO=4&transport=polling&sid=${sid}`)).toMatchObject(UNKNOWN);
    expect(await ask(`EIO=4&transport=polling&sid=${sid}`, { method: "POST", body: "4" })).toMatchObject(
      UNKNOWN,
    );
  });

  test("[SO21] a made-up id calls no shard, and the coordinator seldom", async () => {
    await Poller.connect();
    const asked = vi.spyOn(Coordinator.prototype, "descriptor");
    const called = vi.spyOn(Shard.prototype, "fetch");
    const startedAt = Date.now();
    for (let n = 0; n < 50; n++) await ask(`EIO=4&transport=polling&sid=auto.s${n}~aaaaaaaaaaaaaaaaaaaa`);
    const seconds = 1 + Math.ceil((Date.now() - startedAt) / 1_000);
    expect([called.mock.calls.length, asked.mock.calls.length <= seconds]).toEqual([0, true]);
  });

  test("[SO21] a router that has an old ring finds the session of a shard that has joined since", async () => {
    await Poller.connect();
    const added = await fetchWorker(
      new Request("https://ringcast.test/admin/api/shards", {
        method: "POST",
        headers: { "x-api-key": env.API_KEY ?? "", "content-type": "application/json" },
        body: JSON.stringify({ ids: ["joined"], weight: 16 }),
      }),
    );
    expect(added.status).toBe(200);
    let poller = await Poller.open();
    while (!poller.handshake.sid.startsWith("auto.joined~")) poller = await Poller.open();
    const ofOldRouter = new Request(`https://ringcast.test/socket.io/?${poller.query}`, {
      method: "POST",
      body: "40",
    });
    const response = await worker.fetch(ofOldRouter, { ...env }, createExecutionContext());
    expect([response.status, await response.text()]).toEqual([200, "ok"]);
  });

  test("[SO21] the checks of a request with an id come in the order of a stock server", async () => {
    const { sid } = (await Poller.connect()).handshake;
    expect((await ask(`EIO=4&transport=tube&sid=${sid}`)).body).toContain('"code":0');
    expect(await ask(`EIO=3&transport=websocket&sid=${sid}`)).toMatchObject(BAD_REQUEST);
    expect(await ask(`EIO=3&transport=polling&sid=${sid}`)).toMatchObject(BAD_REQUEST);
    expect(await ask(`EIO=3&transport=polling&sid=${sid}x`)).toMatchObject(UNKNOWN);
    expect((await ask(`EIO=4&transport=polling&sid=${sid}`, { method: "PUT" })).status).toBe(400);
  });
});

test("[SO66] an address that makes sessions up is refused before a shard hears of it, and another address polls on", async () => {
  const ann = await Poller.connect("&key=ann");
  const from = (address: string, query: string) => ask(query, { headers: { "cf-connecting-ip": address } });
  const madeUp = `${ann.query.slice(0, -20)}${"x".repeat(20)}`;
  // The limit is that of vitest.config.ts. The loop may see the end of one period.
  const statuses = new Set<number>();
  for (let n = 0; n < 25 && !statuses.has(503); n++)
    for (const { status } of await Promise.all(Array.from({ length: 100 }, () => from("192.0.2.11", madeUp))))
      statuses.add(status);
  expect(statuses).toEqual(new Set([400, 503]));
  const shards = vi.spyOn(Shard.prototype, "fetch");
  const refused = await from("192.0.2.11", madeUp);
  expect([refused.status, refused.headers.get("retry-after"), shards.mock.calls]).toEqual([503, "10", []]);
  expect(await from("192.0.2.12", madeUp)).toMatchObject(UNKNOWN);
  await ann.post('421["echo","hi"]');
  expect(await ann.get()).toMatchObject({ status: 200, body: '431["hi"]' });
});
