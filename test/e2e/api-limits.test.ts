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
    await client.ready(60_000);
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
