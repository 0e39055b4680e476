import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { SignJWT } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/index.ts";
import { LIVE_CHANNEL, type LiveEvent } from "../../src/contracts/live.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import {
  adopted,
  changeRing,
  Client,
  coordinator,
  countTimers,
  fetchWorker,
  keysOf,
  nameOf,
  shard,
  shardObject,
  startOver,
  until,
} from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

type Watch = {
  readonly access: string;
  readonly connection: string;
  readonly tokens: Record<string, string>;
};

async function call(path: string, body: object, key: string | undefined = env.API_KEY): Promise<Response> {
  return fetchWorker(
    new Request(`https://ringcast.test/admin/api${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key === undefined ? {} : { "x-api-key": key }) },
      body: JSON.stringify(body),
    }),
  );
}

const askTokens = async (key?: string) =>
  (await call("/live", { channels: [LIVE_CHANNEL] }, key)).json<Watch>();

/** A client that watches the feed. */
async function watcher(key = "console"): Promise<Client> {
  const { connection, tokens } = await askTokens();
  const client = await Client.open(key);
  await client.ask({ connect: { token: connection } });
  const reply = await client.ask({ subscribe: { channel: LIVE_CHANNEL, token: tokens[LIVE_CHANNEL] } });
  expect(reply.error).toBeUndefined();
  return client;
}

const events = <Kind extends LiveEvent["kind"]>(client: Client, kind: Kind) =>
  (client.heard(LIVE_CHANNEL) as LiveEvent[]).filter(
    (event): event is Extract<LiveEvent, { kind: Kind }> => event.kind === kind,
  );

/** How often anybody has published to the feed. */
function countPublications(): () => number {
  const publish = vi.spyOn(Channel.prototype, "publish");
  return () => publish.mock.contexts.filter((channel) => nameOf(channel) === LIVE_CHANNEL).length;
}

describe("[OP1] the live feed opens to a token of the operator's API alone", () => {
  const asNobody = (claims: object) =>
    new SignJWT({ sub: "", ...claims })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(env.TOKEN_HMAC_SECRET));

  test("not to a client without a token, though everything is permitted here", async () => {
    const client = await Client.connect("ann");
    expect((await client.ask({ subscribe: { channel: LIVE_CHANNEL } })).error?.code).toBe(103);
  });

  test("not to a token of the application", async () => {
    const client = await Client.connect("ann");
    const token = await asNobody({ channel: LIVE_CHANNEL });
    expect((await client.ask({ subscribe: { channel: LIVE_CHANNEL, token } })).error?.code).toBe(103);
    const other = await Client.open("bob");
    const connected = await other.ask({ connect: { token: await asNobody({ channels: [LIVE_CHANNEL] }) } });
    expect(connected.error?.code).toBe(102);
  });

  test("not to a token that says it is the operator's and is signed by another key", async () => {
    const client = await Client.connect("ann");
    const token = await new SignJWT({ sub: "", channel: LIVE_CHANNEL })
      .setProtectedHeader({ alg: "HS256", kid: "ringcast-operator" })
      .sign(new TextEncoder().encode(env.API_KEY));
    expect((await client.ask({ subscribe: { channel: LIVE_CHANNEL, token } })).error?.code).toBe(103);
  });

  test("and who watches can neither publish to it nor ask who else does", async () => {
    const client = await watcher();
    for (const command of [
      { publish: { channel: LIVE_CHANNEL, data: 1 } },
      { presence: { channel: LIVE_CHANNEL } },
      { presence_stats: { channel: LIVE_CHANNEL } },
      { history: { channel: LIVE_CHANNEL } },
    ]) {
      expect((await client.ask(command)).error?.code).toBe(103);
    }
  });

  test("a watch token needs a key, and the reading key is enough", async () => {
    expect((await call("/live", {}, "")).status).toBe(401);
    expect((await call("/live", {}, "wrong")).status).toBe(401);
    expect(await askTokens(env.READ_KEY)).toMatchObject({ access: "read" });
    expect(await askTokens()).toMatchObject({ access: "full" });
    // It could speak for anybody.
    expect((await call("/clients", { users: ["ann"] }, env.READ_KEY)).status).toBe(403);
  });
});

describe("[OP2] shards speak while somebody watches, and not otherwise", () => {
  /** How many shards know of a watch. */
  async function watched(): Promise<number> {
    const { shards } = await coordinator().cluster(CONTRACT);
    const until = await Promise.all(
      shards.map(({ id }) =>
        runInDurableObject(shardObject(id), (_, { storage }) => storage.kv.get("watchedUntil")),
      ),
    );
    return until.filter((at) => at !== undefined).length;
  }

  test("an idle cluster says nothing, and no timer runs that would", async () => {
    const [published, timers] = [countPublications(), countTimers()];
    await Client.connect("ann");
    await changeRing({ kind: "add", count: 1 });
    await adopted();
    await until(() => timers() === 0);
    expect([await watched(), published()]).toEqual([0, 0]);
  });

  test("each shard tells what it counts, each second, to who watches", async () => {
    const [published, timers] = [countPublications(), countTimers()];
    const [key = ""] = await keysOf("auto-2", 1);
    const ann = await Client.connect(key);
    await ann.ask({ subscribe: { channel: "room" } });
    const page = await watcher((await keysOf("auto-1", 1))[0]);
    await until(() => new Set(events(page, "pulse").map(({ shard }) => shard)).size === 4);
    await ann.ask({ publish: { channel: "room", data: 1 } });
    await until(() => events(page, "pulse").some(({ counts }) => counts.deliveries === 1));
    const pulse = events(page, "pulse").find(({ counts }) => counts.deliveries === 1);
    expect(pulse).toMatchObject({ shard: "auto-2", sessions: 1, ringEpoch: 1 });
    expect(pulse?.latency?.p99Ms).toBeGreaterThanOrEqual(0);
    expect(published()).toBeGreaterThan(4);
    expect(timers()).toBeGreaterThanOrEqual(4);
  });

  test("when it has run out, no timer is left that says more", async () => {
    const [published, timers] = [countPublications(), countTimers()];
    // Straight to the coordinator: a token's watch is a minute long.
    await coordinator().watch(Date.now() + 1_200, CONTRACT);
    await until(() => published() >= 4);
    await until(async () => (await watched()) === 0);
    await until(() => timers() === 0);
  });

  test("a shard that joins within a watch speaks too", async () => {
    const page = await watcher();
    await changeRing({ kind: "add", ids: ["late"] });
    await until(() => events(page, "pulse").some(({ shard }) => shard === "late"));
  });
});

describe("[OP3] the feed tells what happens to the ring", () => {
  test("an epoch, with its cause and prediction, and whom each shard has moved", async () => {
    const page = await watcher();
    const [key = ""] = await keysOf("auto-3", 1);
    await Client.connect(key);
    await changeRing({ kind: "drain", id: "auto-3" });
    await until(() => events(page, "moved").some(({ shard, moved }) => shard === "auto-3" && moved >= 1));
    const [epoch] = events(page, "epoch");
    expect(epoch).toMatchObject({ cause: "drain auto-3", by: "test", descriptor: { epoch: 2 } });
    expect(epoch?.predicted.moving).toBeGreaterThanOrEqual(1);
  });

  test("a shard that died while it was watched, and came up again", async () => {
    const page = await watcher((await keysOf("auto-1", 1))[0]);
    const [key = ""] = await keysOf("auto-2", 1);
    const client = await Client.connect(key);
    await until(() => events(page, "pulse").some(({ shard: id }) => id === "auto-2"));
    await shard("auto-2")
      .crash()
      .catch(() => undefined);
    expect(await client.closed).toBe(1006);
    await Client.connect(key);
    await until(() => events(page, "restarted").length > 0);
    expect(events(page, "restarted").map((event) => event.shard)).toEqual(["auto-2"]);
  });
});
