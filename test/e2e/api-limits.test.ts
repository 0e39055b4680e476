import { afterEach, describe, expect, test } from "vitest";
import {
  adopted,
  API_KEY,
  eventually,
  READ_KEY,
  signToken,
  startCluster,
  type Cluster,
} from "../support/cluster.ts";

let cluster: Cluster;
afterEach(() => cluster?.stop());

const post = (method: string, params: object = {}, key = API_KEY) =>
  fetch(new URL(`/api/${method}`, cluster.url), {
    method: "POST",
    headers: { "x-api-key": key },
    body: JSON.stringify(params),
  });

describe("[AP4] the rate limit of the API", () => {
  test("each key has its own limit, and a request over the limit gets 429 with Retry-After", async () => {
    const simple = { limit: 5, period: 60 } as const;
    cluster = await startCluster({ rateLimit: simple });
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) statuses.push((await post("info")).status);
    // A window of the limit may end between two requests.
    expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
    expect(statuses).toContain(429);
    const refused = await eventually(async () => {
      const response = await post("info");
      return response.status === 429 ? response : undefined;
    });
    expect(refused.headers.get("retry-after")).toBe("10");
    expect(await refused.json()).toEqual({
      error: { code: "tooManyRequests", message: "this API key is used too often" },
    });
    expect((await post("info", {}, READ_KEY)).status).toBe(200);
    expect((await post("info", {}, "wrong")).status).toBe(401);
  });

  test("a cluster without the binding does not limit the API", async () => {
    cluster = await startCluster();
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async () => (await post("rpc", { method: "x" })).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});

test("[AP5] with `userIsKey` a message costs one call at any number of shards, and reaches a session on a later owner", async () => {
  cluster = await startCluster({
    cluster: { affinity: { userIsKey: true }, limits: { sessionsPerShard: 1 } },
  });
  const ownerOf = async (key: string): Promise<string> =>
    (await cluster.admin("GET", `/explain?key=${key}`)).body.owner;
  const enter = async (user: string) => {
    const messages: unknown[] = [];
    const client = cluster.client(user, { token: await signToken({ sub: user }) });
    client.on("message", ({ data }) => messages.push(data));
    client.connect();
    await client.ready(240_000);
    return { user, messages };
  };
  const send = async (user: string, data: number) =>
    ((await (await post("send", { user, data })).json()) as { result: any }).result;

  for (const count of [0, 12]) {
    if (count > 0) await cluster.admin("POST", "/shards", { count });
    await adopted(cluster);
    // After a change the next owners are called too, until every shard has said that it has no guest (SPEC EL31).
    await eventually(async () => {
      const sent = await send("nobody", 0);
      expect(sent).toMatchObject({ mode: "ring", delivered: 0, offline: ["nobody"] });
      return sent.calls === 1;
    });
  }
  const first = await enter("user-0");
  const owner = await ownerOf(first.user);
  let other = 1;
  while ((await ownerOf(`user-${other}`)) !== owner) other += 1;
  const second = await enter(`user-${other}`);
  const where = (await cluster.admin("GET", `/users/${second.user}/sessions`)).body.sessions[0].shard;
  expect(where).not.toBe(owner);
  expect(await send(first.user, 1)).toMatchObject({ mode: "ring", delivered: 1, offline: [] });
  expect(await send(second.user, 2)).toMatchObject({ mode: "ring", delivered: 1, offline: [] });
  // The owners by the ring of before are called too, until each has said once that its sessions have moved.
  await eventually(async () => {
    const spilled = await send(second.user, 2);
    expect(spilled).toMatchObject({ mode: "ring", delivered: 1, offline: [] });
    return spilled.calls === 3;
  });
  await eventually(() => first.messages.length === 1 && second.messages.length >= 2);
  expect([first.messages, [...new Set(second.messages)]]).toEqual([[1], [2]]);
});

describe("[BD96] the answers of one request are bounded", () => {
  const HISTORY = { channel: "kept:large", limit: 10 };
  const repliesOf = (commands: object[], parallel: boolean) =>
    post("batch", { commands, parallel }).then((response) =>
      response.json<{ replies: { history?: object; publish?: object; error?: { code: number } }[] }>(),
    );
  const kindsOf = (replies: Awaited<ReturnType<typeof repliesOf>>["replies"]) =>
    replies.map(({ error, ...answer }) => error?.code ?? Object.keys(answer)[0]);

  test("commands that read are refused when the answers are too long, and the others are run", async () => {
    cluster = await startCluster({
      cluster: { limits: { apiAnswerBytes: 65_536 } },
      namespaces: { kept: { history_size: 10, history_ttl: "60s" } },
    });
    const data = "x".repeat(40_000);
    for (const channel of [HISTORY.channel, HISTORY.channel]) await post("publish", { channel, data });
    const read = { history: HISTORY };
    const write = { publish: { channel: "kept:other", data: 1 } };
    const inTurn = await repliesOf([read, read, write, read], false);
    expect(kindsOf(inTurn.replies)).toEqual(["history", 106, "publish", 106]);
    const together = await repliesOf([...Array.from({ length: 6 }, () => read), write], true);
    expect(kindsOf(together.replies)).toEqual([...Array<string>(4).fill("history"), 106, 106, "publish"]);
    const lines = [read, read].map(({ history }) => JSON.stringify({ method: "history", params: history }));
    const older = await fetch(new URL("/api", cluster.url), {
      method: "POST",
      headers: { "x-api-key": API_KEY },
      body: lines.join("\n"),
    });
    const answers = (await older.text()).split("\n").map((line) => JSON.parse(line) as object);
    expect(answers).toEqual([
      { result: expect.anything() },
      { error: { code: 106, message: expect.stringContaining("65536 bytes") } },
    ]);
    expect((await post("history", HISTORY)).status).toBe(200);
  });
});
