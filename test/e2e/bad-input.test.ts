import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, signToken, startCluster, type Cluster } from "../support/cluster.ts";
import { RawClient } from "../support/raw-client.ts";

let cluster: Cluster;
let witness: RawClient;
/** A connection that says nothing. */
let silent: RawClient;
const heard: unknown[] = [];

/** The witness is a well-behaved client on the same shard. It hears every publication while other clients misbehave. */
beforeAll(async () => {
  cluster = await startCluster({
    cluster: {
      shards: { initial: 1 },
      limits: { frameBytes: 6_000, channelsPerClient: 5, commandsPerSecond: 50, commandBurst: 100 },
      // Others connect on a busy machine meanwhile.
      times: { staleConnectionMs: 30_000 },
    },
    namespaces: { DEFAULT: { presence: true } },
  });
  silent = await RawClient.open(cluster.endpoint("silent"));
  witness = await RawClient.connect(cluster.endpoint("witness"));
  await witness.ask({ id: 2, subscribe: { channel: "news" } });
});
afterAll(() => cluster?.stop());

/** Checks that the witness is still connected, and hears its own publication. */
async function checkWitness(): Promise<void> {
  const n = heard.length;
  heard.push(n);
  await witness.ask({ id: 100 + n, publish: { channel: "news", data: n } });
  await eventually(() => witness.lines.some(({ push }) => push?.pub?.data === n));
}

describe("[SE2] a frame that cannot be read ends its own connection, and touches no other", () => {
  const bad: [kind: string, frame: string | Buffer, code: number][] = [
    ["no JSON", "hello", 3501],
    ["half an object", '{"id":2', 3501],
    ["an array", "[1,2]", 3501],
    ["a number", "7", 3501],
    ["null", "null", 3501],
    ["an unknown command", '{"id":2,"dance":{}}', 3501],
    ["a command without an id", '{"subscribe":{"channel":"a"}}', 3501],
    ["a negative id", '{"id":-1,"subscribe":{"channel":"a"}}', 3501],
    ["a fraction as id", '{"id":1.5,"subscribe":{"channel":"a"}}', 3501],
    ["a number as channel", '{"id":2,"subscribe":{"channel":7}}', 3501],
    ["no channel", '{"id":2,"publish":{"data":1}}', 3501],
    ["text as body", '{"id":2,"presence":"x"}', 3501],
    ["a second connect", '{"id":2,"connect":{}}', 3501],
    ["an asynchronous message", '{"send":{"data":1}}', 3508],
    ["one good and one bad line", '{"id":2,"unsubscribe":{"channel":"a"}}\nrubbish', 3501],
    ["a binary frame", Buffer.from([1, 2, 3]), 3501],
    ["a frame over the limit", JSON.stringify({ id: 2, rpc: { data: "x".repeat(7_000) } }), 1009],
    [
      "a frame over the limit in bytes alone",
      JSON.stringify({ id: 2, rpc: { data: "ü".repeat(4_000) } }),
      1009,
    ],
  ];
  for (const [kind, frame, code] of bad) {
    test(`${kind} closes with ${code}`, async () => {
      const client = await RawClient.connect(cluster.endpoint("clumsy"));
      client.socket.send(frame);
      expect((await client.closed).code).toBe(code);
      await checkWitness();
    });
  }

  test("[CE5] nested data is published or refused, and breaks no other session", async () => {
    const client = await RawClient.connect(cluster.endpoint("deep"));
    const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    client.socket.send(`{"id":2,"publish":{"channel":"deep","data":${nested(500)}}}`);
    expect((await client.next())["publish"]).toEqual({});
    client.socket.send(`{"id":3,"publish":{"channel":"deep","data":${nested(2_900)}}}`);
    expect((await client.next())["error"]).toMatchObject({ code: 107 });
    client.close();
    await checkWitness();
  });

  test("commands before connect close with 3501", async () => {
    const hasty = await RawClient.open(cluster.endpoint("hasty"));
    hasty.send({ id: 1, subscribe: { channel: "a" } });
    expect((await hasty.closed).code).toBe(3501);
  });

  test("10,000 random frames leave the shard at work", async () => {
    const kinds = [
      "connect",
      "subscribe",
      "unsubscribe",
      "publish",
      "presence",
      "presence_stats",
      "history",
      "rpc",
      "send",
      "refresh",
      "sub_refresh",
    ];
    const command = fc
      .record({
        id: fc.oneof(fc.nat(), fc.jsonValue()),
        kind: fc.constantFrom(...kinds, "else"),
        body: fc.oneof(
          fc.record({
            channel: fc.oneof(fc.string(), fc.constantFrom("a", "$b", "x:y", "__proto__")),
            data: fc.jsonValue(),
          }),
          fc.record({ token: fc.string() }),
          fc.jsonValue(),
        ),
      })
      .map(({ id, kind, body }) => JSON.stringify({ id, [kind]: body }));
    const frame = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.array(command, { minLength: 1, maxLength: 4 }).map((lines) => lines.join("\n")),
      },
      { weight: 1, arbitrary: fc.json() },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 300 }) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)) },
    );
    const frames = fc.sample(frame, { numRuns: 10_000, seed: 20_261_123 });
    let sent = 0;
    const sender = async () => {
      while (sent < frames.length) {
        const client = await RawClient.connect(cluster.endpoint(`fuzz-${sent % 7}`));
        while (sent < frames.length && client.socket.readyState === client.socket.OPEN) {
          client.socket.send(frames[sent++] ?? "");
          // Some frames close the socket. The sender yields, so that it sees the close before the next frame.
          if (sent % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
          // The sender waits here, so that the shard reads all frames before a connection counts as stale.
          if (sent % 250 === 0) await cluster.admin("GET", "/cluster");
        }
        client.close();
      }
    };
    await Promise.all(Array.from({ length: 8 }, sender));
    expect(sent).toBe(10_000);
    await checkWitness();
    const { shards } = (await cluster.admin("GET", "/cluster")).body;
    expect(shards[0].reachable).toBe(true);
    // An unexpected error would have closed a session with 3004, and the log would name it.
    const unexpected = cluster.server.getLogs().filter(({ message }) => message.includes("a frame failed"));
    expect(unexpected).toEqual([]);
  });
});

test.each([
  ["a subscribe to a map", { subscribe: { channel: "map", type: 1, phase: 2 } }, 107],
  ["a subscribe to the clients of a map", { subscribe: { channel: "map", type: 2 } }, 107],
  ["a subscribe to the users of a map", { subscribe: { channel: "map", type: 3 } }, 107],
  ["a subscribe to a shared poll", { subscribe: { channel: "map", type: 4 } }, 108],
  ["a subscribe of a kind to come", { subscribe: { channel: "map", type: 5 } }, 107],
  ["a publish into a map", { publish: { channel: "news", type: 1, key: "a", data: "mapped" } }, 108],
  ["a removal from a map", { publish: { channel: "news", type: 1, key: "a", removed: true } }, 108],
  ["a track of a shared poll", { sub_refresh: { channel: "map", type: 1 } }, 108],
])("[CE1] %s is refused with the code of Centrifugo", async (_, command, code) => {
  const client = await RawClient.connect(cluster.endpoint("mapper"));
  expect((await client.ask({ id: 2, ...command }))["error"]?.code).toBe(code);
  await checkWitness();
  expect(JSON.stringify(witness.lines)).not.toContain("mapped");
  // The stream of this name is not subscribed to.
  expect(
    (await client.ask({ id: 3, subscribe: { channel: "map", type: 0, flag: 2 ** 40 + 1 } }))["error"],
  ).toBe(undefined);
  client.close();
});

describe("[SE3] a limit answers with its code", () => {
  test("a channel too many for one client gets 106", async () => {
    const client = await RawClient.connect(cluster.endpoint("greedy"));
    for (let n = 0; n < 5; n++) {
      expect((await client.ask({ id: 10 + n, subscribe: { channel: `c${n}` } }))["subscribe"]).toBeDefined();
    }
    expect((await client.ask({ id: 20, subscribe: { channel: "c5" } }))["error"].code).toBe(106);
    expect((await client.ask({ id: 21, subscribe: { channel: "c1" } }))["error"].code).toBe(105);
    client.close();
  });

  test("a wrong name of a channel gets 107", async () => {
    const client = await RawClient.connect(cluster.endpoint("odd"));
    for (const [n, channel] of ["", "ü", "x".repeat(256), "a\nb", " a"].entries()) {
      expect((await client.ask({ id: 10 + n, subscribe: { channel } }))["error"].code).toBe(107);
    }
    client.close();
  });

  test("commands that come too fast get 111, and a client that goes on is closed with 3013", async () => {
    const client = await RawClient.connect(cluster.endpoint("hurried"));
    const { code } = await client.flood((n) => JSON.stringify({ id: n + 10, rpc: { data: 1 } }));
    expect(code).toBe(3013);
    const codes = new Set(client.lines.map(({ error }) => error?.code).filter(Boolean));
    expect(codes).toEqual(new Set([108, 111]));
    await checkWitness();
  });

  test("a subscription that does not fit beside the socket gets 106, and the session lives on", async () => {
    const info = "x".repeat(3_000);
    const client = await RawClient.connect(cluster.endpoint("big"), {
      token: await signToken({ sub: "big", info }),
    });
    const codes: (number | undefined)[] = [];
    for (let n = 0; n < 5; n++) {
      const channel = `b${n}`;
      const token = await signToken({ sub: "big", channel, info: "y".repeat(3_000) });
      codes.push((await client.ask({ id: 10 + n, subscribe: { channel, token } }))["error"]?.code);
    }
    expect(codes).toContain(106);
    expect(codes[0]).toBeUndefined();
    expect((await client.ask({ id: 30, presence_stats: { channel: "b0" } }))["presence_stats"]).toBeDefined();
    client.close();
  });
});

// The last test, as the others take as long as this one waits.
test("[SE2] a connection that says nothing is closed with 3502", async () => {
  // The close frame is enough: the local runtime keeps the TCP connection of a silent socket until its object sleeps.
  await eventually(() => silent.socket.readyState !== silent.socket.OPEN);
  silent.socket.terminate();
  expect((await silent.closed).code).toBe(3502);
});
