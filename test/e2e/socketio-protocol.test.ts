import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";

/** The cases are those of the conformance suites of Engine.IO 4 and Socket.IO 5, with time for a busy machine. */
const PING_INTERVAL = 800;
const PING_TIMEOUT = 3_000;
const MAX_PAYLOAD = 1_000_000;
const SEPARATOR = "\u001E";

/** A GET has arrived after one of these times, in ms: no answer tells when it is held. */
const UNTIL_HELD = [50, 300, 600];
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A WebSocket whose frames and end are waited for one after the other. */
class RawSocket {
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #frames: (string | Buffer)[] = [];
  #wake: () => void = () => undefined;
  #isClosed = false;

  constructor(url: URL) {
    this.#socket = new WebSocket(url.href.replace("http", "ws"));
    this.#socket.on("error", () => undefined);
    this.#socket.on("message", (data: Buffer, isBinary) => {
      this.#frames.push(isBinary ? data : data.toString());
      this.#wake();
    });
    this.closed = new Promise((resolve) =>
      this.#socket.on("close", (code) => {
        this.#isClosed = true;
        this.#wake();
        resolve(code);
      }),
    );
  }

  get opened(): Promise<void> {
    return new Promise((resolve) => this.#socket.once("open", resolve));
  }

  say(...frames: (string | Uint8Array)[]): void {
    for (const frame of frames) this.#socket.send(frame);
  }

  /** The next frame, whichever it is. */
  async next(): Promise<string | Buffer> {
    while (this.#frames.length === 0) {
      if (this.#isClosed) throw new Error("the socket has closed");
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#frames.shift() ?? "";
  }

  /** The next frame that is no heartbeat. */
  async nextPacket(): Promise<string | Buffer> {
    for (;;) {
      const frame = await this.next();
      if (frame === "2") this.say("3");
      else if (frame !== "6") return frame;
    }
  }

  close(): void {
    this.#socket.terminate();
  }
}

describe.each(["timer", "alarm"] as const)("the protocols, heartbeat by %s", (heartbeat) => {
  let cluster: SocketCluster;
  beforeAll(async () => {
    cluster = await startSocketCluster({
      shards: { initial: 2 },
      limits: { frameBytes: MAX_PAYLOAD },
      times: { staleConnectionMs: 5_000 },
      socketio: { heartbeat, pingIntervalMs: PING_INTERVAL, pingTimeoutMs: PING_TIMEOUT },
    });
  });
  afterAll(() => cluster.stop());

  const address = (query: string): URL => new URL(`/socket.io/?${query}`, cluster.url);
  const ask = async (query: string, init: RequestInit = {}): Promise<[number, string]> => {
    const response = await fetch(address(query), init);
    return [response.status, await response.text()];
  };
  const open = (query = "EIO=4&transport=websocket"): RawSocket => new RawSocket(address(query));
  const polling = (sid: string): string => `EIO=4&transport=polling&sid=${sid}`;
  const openPolling = async (): Promise<string> => {
    const [, body] = await ask("EIO=4&transport=polling");
    return (JSON.parse(body.slice(1)) as { sid: string }).sid;
  };
  const post = (sid: string, body: string) => ask(polling(sid), { method: "POST", body });
  /** A session that has joined the main namespace. */
  const connectPolling = async (): Promise<string> => {
    const sid = await openPolling();
    await post(sid, "40");
    await nextPolled(sid, '42["hello"');
    return sid;
  };
  /** The packets up to one that begins so, without heartbeats. */
  async function nextPolled(sid: string, start: string): Promise<string[]> {
    const packets: string[] = [];
    while (packets.at(-1)?.startsWith(start) !== true) {
      const [status, body] = await ask(polling(sid));
      if (status !== 200) throw new Error(`${status}: ${body}`);
      for (const packet of body.split(SEPARATOR)) {
        if (packet === "2") await post(sid, "3");
        else packets.push(packet);
      }
    }
    return packets;
  }
  const connect = async (): Promise<RawSocket> => {
    const socket = open();
    await socket.next();
    socket.say("40");
    await socket.nextPacket();
    await socket.nextPacket();
    return socket;
  };

  describe("[SO3] the handshake", () => {
    const handshakeOf = (packet: string): Record<string, unknown> => {
      expect(packet[0]).toBe("0");
      return JSON.parse(packet.slice(1)) as Record<string, unknown>;
    };
    const timing = { pingInterval: PING_INTERVAL, pingTimeout: PING_TIMEOUT, maxPayload: MAX_PAYLOAD };

    test("[SO3] has its five fields over polling and WebSocket", async () => {
      const [status, body] = await ask("EIO=4&transport=polling");
      expect(status).toBe(200);
      expect(handshakeOf(body)).toEqual({ sid: expect.any(String), upgrades: ["websocket"], ...timing });
      const socket = open();
      const frame = String(await socket.next());
      expect(handshakeOf(frame)).toEqual({ sid: expect.any(String), upgrades: [], ...timing });
      socket.close();
    });

    test.each([
      ["transport=polling", 5],
      ["EIO=abc&transport=polling", 5],
      ["EIO=4", 0],
      ["EIO=4&transport=abc", 0],
    ])("[SO3] fails with %s", async (query, code) => {
      const [status, body] = await ask(query);
      expect([status, JSON.parse(body)]).toMatchObject([400, { code }]);
      await open(query.replace("polling", "websocket")).closed;
    });

    test.each(["POST", "PUT", "DELETE", "OPTIONS"])("[SO3] fails with the method %s", async (method) => {
      const [status, body] = await ask("EIO=4&transport=polling", { method });
      expect([status, JSON.parse(body)]).toMatchObject([400, { code: 2 }]);
    });
  });

  describe("[SO20] messages over polling", () => {
    test("[SO20] one text packet, several, and text with binary ones", async () => {
      const sid = await connectPolling();
      expect(await post(sid, '421["echo","hello"]')).toEqual([200, "ok"]);
      expect(await nextPolled(sid, "431")).toEqual(['431["hello"]']);
      const bodies = ['421["echo",1]', '422["echo",2]', '423["echo",3]'];
      expect(await post(sid, bodies.join(SEPARATOR))).toEqual([200, "ok"]);
      expect(await nextPolled(sid, "433")).toEqual(["431[1]", "432[2]", "433[3]"]);
      const placeholder = '{"_placeholder":true,"num":0}';
      expect(await post(sid, `451-4["echo",${placeholder}]${SEPARATOR}bAQIDBA==`)).toEqual([200, "ok"]);
      expect(await nextPolled(sid, "b")).toEqual([`461-4[${placeholder}]`, "bAQIDBA=="]);
    });

    test("[SO20] an invalid packet closes the session", async () => {
      const sid = await openPolling();
      expect((await post(sid, "abc"))[0]).toBe(400);
      expect((await ask(polling(sid)))[0]).toBe(400);
    });

    test("[SO20] a second GET closes the session", async () => {
      const sid = await openPolling();
      const answers = await Promise.all([ask(polling(sid)), ask(`${polling(sid)}&t=burst`)]);
      // They come over two connections, in any order.
      const [first, second] = answers.toSorted(([one], [other]) => one - other);
      expect([first, second?.[0]]).toEqual([[200, "1"], 400]);
      expect((await ask(polling(sid)))[0]).toBe(400);
    });

    test("[SO20] a GET after one that its client has cancelled closes the session", async () => {
      const statuses: number[] = [];
      for (const untilHeld of UNTIL_HELD) {
        const sid = await openPolling();
        const controller = new AbortController();
        const cancelled = fetch(address(polling(sid)), { signal: controller.signal }).catch(() => undefined);
        await sleep(untilHeld);
        controller.abort();
        await cancelled;
        statuses.push((await ask(polling(sid)))[0]);
        if (statuses.includes(400)) break;
      }
      expect(statuses).toContain(400);
    });

    test("[SO20] a client closes by a packet: a held GET ends with a noop", async () => {
      const polled: string[] = [];
      for (const untilHeld of UNTIL_HELD) {
        const sid = await openPolling();
        const closed = sleep(untilHeld).then(() => post(sid, "1"));
        polled.push((await ask(polling(sid)))[1]);
        expect(await closed).toEqual([200, "ok"]);
        expect((await ask(polling(sid)))[0]).toBe(400);
        if (polled.includes("6")) break;
      }
      expect(polled).toContain("6");
    });
  });

  // They wait most of the time.
  describe.concurrent("[SO24] the heartbeat", () => {
    test("[SO24] over polling", async () => {
      const sid = await openPolling();
      for (let n = 0; n < 3; n++) {
        expect(await ask(polling(sid))).toEqual([200, "2"]);
        expect((await post(sid, "3"))[0]).toBe(200);
      }
    });

    test("[SO24] a client that polls and answers no ping is closed at its time", async () => {
      const sid = await openPolling();
      let answer = await ask(polling(sid));
      while (answer[1] === "2") answer = await ask(polling(sid));
      expect(answer).toEqual([200, "1"]);
      expect((await ask(polling(sid)))[0]).toBe(400);
    });

    test("[SO24] over WebSocket", async () => {
      const socket = open();
      await socket.next();
      for (let n = 0; n < 3; n++) {
        expect(await socket.next()).toBe("2");
        socket.say("3");
        // The one packet by which the two modes differ.
        if (heartbeat === "alarm") expect(await socket.next()).toBe("6");
      }
      socket.close();
    });

    test("[SO24] a WebSocket that answers no ping is closed", async () => {
      const socket = open();
      await socket.next();
      // A hibernatable socket that never spoke ends late (docs/platform.md P47).
      if (heartbeat === "alarm") socket.say("40");
      expect(await socket.closed).toBe(4007);
    });
  });

  describe("[SO22] the upgrade", () => {
    const probing = async (sid: string): Promise<RawSocket> => {
      const socket = open(`EIO=4&transport=websocket&sid=${sid}`);
      await socket.opened;
      socket.say("2probe");
      return socket;
    };

    test("[SO22] from polling to WebSocket", async () => {
      const sid = await connectPolling();
      const socket = await probing(sid);
      expect(await socket.next()).toBe("3probe");
      expect((await ask(polling(sid)))[1]).toMatch(/^[26]$/);
      socket.say("5", '421["echo","hello"]');
      expect(await socket.nextPacket()).toBe('431["hello"]');
      socket.close();
    });

    test("[SO22] requests and sockets with the same id do no harm afterwards", async () => {
      const sid = await connectPolling();
      const socket = await probing(sid);
      socket.say("5");
      expect((await ask(polling(sid)))[0]).toBe(400);
      await open(`EIO=4&transport=websocket&sid=${sid}`).closed;
      socket.say('421["echo","hello"]');
      await socket.next();
      expect(await socket.nextPacket()).toBe('431["hello"]');
      socket.close();
    });
  });

  describe("[SO2] packets of Socket.IO over WebSocket", () => {
    test.each([
      ["40", /^40\{"sid":"[^"]+"\}$/, '42["hello",{"auth":{}}]'],
      ['40{"token":"123"}', /^40\{"sid":"[^"]+"\}$/, '42["hello",{"auth":{"token":"123"}}]'],
      ["40/chat,", /^40\/chat,\{"sid":"[^"]+"\}$/, '42/chat,["hello",{"auth":{}}]'],
      ["40/chat", /^40\/chat,\{"sid":"[^"]+"\}$/, '42/chat,["hello",{"auth":{}}]'],
    ])("[SO2] %s joins a namespace", async (packet, answer, hello) => {
      const socket = open();
      await socket.next();
      socket.say(packet);
      expect(await socket.nextPacket()).toMatch(answer);
      expect(await socket.nextPacket()).toBe(hello);
      socket.close();
    });

    test("[SO2] an unknown namespace is refused", async () => {
      const socket = open();
      await socket.next();
      socket.say("40/random");
      expect(await socket.nextPacket()).toBe('44/random,{"message":"Invalid namespace"}');
      socket.close();
    });

    test.each(["4abc", "x", ""])("[SO15] the frame %j closes the connection", async (frame) => {
      const socket = open();
      await socket.next();
      socket.say(frame);
      expect(await socket.closed).toBe(4002);
    });

    test("[SO15] a connection that joins no namespace is closed", async () => {
      const socket = open();
      const answering = (async () => {
        for (;;) await socket.nextPacket();
      })();
      expect(await socket.closed).toBe(4005);
      await expect(answering).rejects.toThrow("closed");
    });

    test("[SO7] after it has left its namespace, a client is pinged on", async () => {
      const socket = await connect();
      socket.say("41");
      let frame = await socket.next();
      while (frame === "6") frame = await socket.next();
      expect(frame).toBe("2");
      socket.close();
    });

    test("[SO7] leaving a namespace keeps the main one", async () => {
      const socket = await connect();
      socket.say("40/chat");
      await socket.nextPacket();
      await socket.nextPacket();
      socket.say("41/chat", '42["echo","message to main namespace"]');
      expect(await socket.nextPacket()).toBe('42["echo","message to main namespace"]');
      socket.close();
    });

    test("[SO2] events with and without acknowledgements and attachments", async () => {
      const socket = await connect();
      socket.say('42["echo",1,"2",{"3":[true]}]');
      expect(await socket.nextPacket()).toBe('42["echo",1,"2",{"3":[true]}]');
      const placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
      socket.say(`452-["echo",${placeholders}]`, Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6));
      expect(await socket.nextPacket()).toBe(`452-["echo",${placeholders}]`);
      expect(await socket.nextPacket()).toEqual(Buffer.from([1, 2, 3]));
      expect(await socket.nextPacket()).toEqual(Buffer.from([4, 5, 6]));
      socket.say('42456["echo",1,"2",{"3":[false]}]');
      expect(await socket.nextPacket()).toBe('43456[1,"2",{"3":[false]}]');
      socket.say(`452-789["echo",${placeholders}]`, Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6));
      expect(await socket.nextPacket()).toBe(`462-789[${placeholders}]`);
      expect(await socket.nextPacket()).toEqual(Buffer.from([1, 2, 3]));
      expect(await socket.nextPacket()).toEqual(Buffer.from([4, 5, 6]));
      socket.close();
    });

    test.each(["4", "42", "42/chat", "42[]", "42{}", '42["', "43", "439", "45", '451-["echo"'])(
      "[SO15] the invalid packet %j closes the connection",
      async (packet) => {
        const socket = await connect();
        socket.say(packet);
        expect(await socket.closed).toBe(4002);
      },
    );
  });
});
