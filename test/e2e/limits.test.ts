import { afterEach, describe, expect, test } from "vitest";
import { eventually, signToken, startCluster, type Cluster } from "../support/cluster.ts";
import { RawClient } from "../support/raw-client.ts";

let cluster: Cluster;
afterEach(() => cluster?.stop());

/** The status and Retry-After of an upgrade. After a 101 the client stays connected. */
function upgrade(endpoint: string): Promise<{ status: number; retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    RawClient.open(endpoint, {}, (response) =>
      resolve({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"] }),
    ).then(() => resolve({ status: 101, retryAfter: undefined }), reject);
  });
}

describe("[MB7] a connection goes to the first owner that has room", () => {
  test("a connection goes past a full shard to the next of three owners, and then gets 503 with Retry-After", async () => {
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

  test("a shard that gets upgrades too fast answers 503, and the router does not try another shard", async () => {
    cluster = await startCluster({ cluster: { limits: { upgradesPerSecond: 1, upgradeBurst: 5 } } });
    // 60 upgrades come at once: even a slow machine takes less than a second for each.
    const answers = await Promise.all(Array.from({ length: 60 }, () => upgrade(cluster.endpoint("rush"))));
    const refused = answers.filter(({ status }) => status !== 101);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(5);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused).toEqual(refused.map(() => ({ status: 503, retryAfter: "2" })));
    const { shards } = (await cluster.admin("GET", "/cluster")).body;
    expect(shards.filter((shard: any) => shard.sessions > 0)).toHaveLength(1);
  });
});

describe("[SE4] a reader that does not read is closed, and no other session waits for it", () => {
  test("a slow reader is closed with 3008, when too much is queued for it", async () => {
    cluster = await startCluster({ cluster: { limits: { queuedBytes: 65_536, slowReaderGraceMs: 300 } } });
    const [slow, quick] = [
      await RawClient.connect(cluster.endpoint("reader")),
      await RawClient.connect(cluster.endpoint("reader")),
    ];
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
    });
    await eventually(() => quick.lines.filter(({ push }) => push?.pub !== undefined).length === sent);
    slow.socket.resume();
    expect((await slow.closed).code).toBe(3008);
  });
});

describe("[SE6] a shard finds a dead socket and closes it", () => {
  test("a socket whose peer leaves two pings unanswered is closed with 3012, and a live socket stays", async () => {
    cluster = await startCluster({ cluster: { times: { pingIntervalMs: 1_000, pongTimeoutMs: 500 } } });
    const live = await RawClient.connect(cluster.endpoint("live"));
    const dead = await RawClient.connect(cluster.endpoint("live"));
    dead.answersPings = false;
    expect((await dead.closed).code).toBe(3012);
    const pings = () => live.lines.filter((line) => Object.keys(line).length === 0).length;
    const seen = pings();
    await eventually(() => pings() >= seen + 3);
    expect((await live.ask({ id: 2, subscribe: { channel: "a" } }))["subscribe"]).toBeDefined();
    // The runtime's answer to a pong is an empty push. Client and server would answer a ping or a command for ever.
    const answers = live.lines.filter(({ push }) => push?.channel === "");
    expect(answers.length).toBeLessThanOrEqual(pings() + 1);
  });
});

describe("[AU7] a key places and never identifies", () => {
  test("with userIsKey, a user that connects under the key of another user is refused with 3507", async () => {
    cluster = await startCluster({ cluster: { affinity: { userIsKey: true } } });
    const honest = await RawClient.connect(cluster.endpoint("ann"), {
      token: await signToken({ sub: "ann" }),
    });
    honest.close();
    const posing = await RawClient.open(cluster.endpoint("bob"));
    posing.send({ id: 1, connect: { token: await signToken({ sub: "ann" }) } });
    expect((await posing.closed).code).toBe(3507);
  });

  test("the first configured source with a value gives the key", async () => {
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
      // The token of the upgrade also identifies the connection.
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
