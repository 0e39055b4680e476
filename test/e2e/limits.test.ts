import { afterEach, describe, expect, test } from "vitest";
import { eventually, signToken, startCluster, type Cluster } from "../support/cluster.ts";
import { RawClient } from "../support/raw-client.ts";

let cluster: Cluster;
afterEach(() => cluster?.stop());

/** The status and Retry-After of an upgrade; 101 leaves the client connected. */
function upgrade(endpoint: string): Promise<{ status: number; retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    RawClient.open(endpoint, {}, (response) =>
      resolve({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"] }),
    ).then(() => resolve({ status: 101, retryAfter: undefined }), reject);
  });
}

describe("[MB7] a connection goes to the first owner that has room", () => {
  test("a full shard spills to the next owner, three in all; then it is 503, to be tried again", async () => {
    cluster = await startCluster({ cluster: { limits: { sessionsPerShard: 3 } } });
    const { owner, nextOwners } = (await cluster.admin("GET", "/explain?key=popular")).body;
    const statuses: number[] = [];
    for (let n = 0; n < 9; n++) statuses.push((await upgrade(cluster.endpoint("popular"))).status);
    expect(statuses).toEqual(Array.from({ length: 9 }, () => 101));
    expect(await upgrade(cluster.endpoint("popular"))).toEqual({ status: 503, retryAfter: "5" });
    const { shards } = (await cluster.admin("GET", "/cluster")).body;
    const sessions = new Map(shards.map((shard: any) => [shard.id, shard.sessions]));
    expect([owner, ...nextOwners].map((id) => sessions.get(id))).toEqual([3, 3, 3]);
    // The fourth shard has room, and other keys find it.
    expect([...sessions.values()].toSorted()).toEqual([0, 3, 3, 3]);
  });

  test("a shard that is called too fast asks to wait, and sends nobody elsewhere", async () => {
    cluster = await startCluster({ cluster: { limits: { upgradesPerSecond: 1, upgradeBurst: 5 } } });
    // So many at once that no machine takes a second for each.
    const answers = await Promise.all(Array.from({ length: 60 }, () => upgrade(cluster.endpoint("rush"))));
    const refused = answers.filter(({ status }) => status !== 101);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(5);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused).toEqual(refused.map(() => ({ status: 503, retryAfter: "2" })));
    const { shards } = (await cluster.admin("GET", "/cluster")).body;
    expect(shards.filter((shard: any) => shard.sessions > 0)).toHaveLength(1);
  });
});

describe("[SE4] a reader that does not read is closed, and nobody waits for it", () => {
  test("with 3008, when too much is queued for it", async () => {
    cluster = await startCluster({ cluster: { limits: { queuedBytes: 65_536, slowReaderGraceMs: 300 } } });
    const [slow, quick] = [
      await RawClient.connect(cluster.endpoint("reader")),
      await RawClient.connect(cluster.endpoint("reader")),
    ];
    quick.answersPings = true;
    for (const client of [slow, quick]) await client.ask({ id: 2, subscribe: { channel: "flood" } });
    slow.socket.pause();
    const data = "x".repeat(20_000);
    let sent = 0;
    const sessions = async () =>
      (await cluster.admin("GET", "/cluster")).body.shards.reduce(
        (sum: number, shard: any) => sum + shard.sessions,
        0,
      );
    await eventually(async () => {
      for (let n = 0; n < 10; n++) {
        sent += 1;
        expect(
          (await quick.ask({ id: 10 + sent, publish: { channel: "flood", data } }))["publish"],
        ).toBeDefined();
      }
      return (await sessions()) === 1;
    }, 30_000);
    await eventually(() => quick.lines.filter(({ push }) => push?.pub !== undefined).length === sent);
    slow.socket.resume();
    expect((await slow.closed).code).toBe(3008);
  });
});

describe("[SE6] a dead socket is found and dropped", () => {
  test("with 3012, when its peer leaves two pings unanswered; a live one stays", async () => {
    cluster = await startCluster({ cluster: { times: { pingIntervalMs: 1_000, pongTimeoutMs: 500 } } });
    const live = await RawClient.connect(cluster.endpoint("live"));
    live.answersPings = true;
    const dead = await RawClient.connect(cluster.endpoint("live"));
    expect((await dead.closed).code).toBe(3012);
    const pings = () => live.lines.filter((line) => Object.keys(line).length === 0).length;
    const seen = pings();
    await eventually(() => pings() >= seen + 3);
    expect((await live.ask({ id: 2, subscribe: { channel: "a" } }))["subscribe"]).toBeDefined();
    // What the runtime answers to a pong is no command and no ping (or the two would go on for ever).
    const answers = live.lines.filter(({ push }) => push?.channel === "");
    expect(answers.length).toBeLessThanOrEqual(pings() + 1);
  });
});

describe("[AU7] a key places and never identifies", () => {
  test("with userIsKey, who comes under the key of another is refused with 3507", async () => {
    cluster = await startCluster({ cluster: { affinity: { userIsKey: true } } });
    const honest = await RawClient.connect(cluster.endpoint("ann"), {
      token: await signToken({ sub: "ann" }),
    });
    honest.close();
    const posing = await RawClient.open(cluster.endpoint("bob"));
    posing.send({ id: 1, connect: { token: await signToken({ sub: "ann" }) } });
    expect((await posing.closed).code).toBe(3507);
  });

  test("the key is the first of the configured sources that is there", async () => {
    cluster = await startCluster({
      cluster: { affinity: { order: ["key", "path", "cookie", "token"], cookie: "place" } },
    });
    const token = await signToken({ sub: "ann" });
    const base = cluster.endpoint();
    const cases: [address: string, headers: Record<string, string>, key: string][] = [
      [`${base}?key=by-key&token=${token}`, { cookie: "place=by-cookie" }, "by-key"],
      [`${base}/by%2Dpath?token=${token}`, { cookie: "place=by-cookie" }, "by-path"],
      [`${base}?token=${token}`, { cookie: "place=by-cookie" }, "by-cookie"],
      [`${base}?token=${token}`, {}, "ann"],
      [base, { authorization: `Bearer ${token}` }, "ann"],
      [base, { cookie: `ringcast_token=${token}` }, "ann"],
    ];
    for (const [address, headers, key] of cases) {
      const client = await RawClient.open(address, { headers });
      // The token that came with the upgrade also says who it is.
      await client.ask({ id: 1, connect: {} });
      const { sessions } = (await cluster.admin("GET", "/users/ann/sessions")).body;
      expect(
        sessions.map((session: any) => session.key),
        address,
      ).toEqual([key]);
      client.close();
      await eventually(
        async () => (await cluster.admin("GET", "/users/ann/sessions")).body.sessions.length === 0,
      );
    }
  });
});
