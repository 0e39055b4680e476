import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { SignJWT } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { LIVE_CHANNEL, type CodeCount, type LiveEvent } from "../../src/contracts/live.ts";
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

/** The number of publications to the feed so far. */
function countPublications(): () => number {
  const publish = vi.spyOn(Channel.prototype, "publish");
  return () => publish.mock.contexts.filter((channel) => nameOf(channel) === LIVE_CHANNEL).length;
}

describe("[OP1] the live feed opens to a token of the operator's API alone", () => {
  const signAnonymous = (claims: object) =>
    new SignJWT({ sub: "", ...claims })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(env.TOKEN_HMAC_SECRET));

  test("a client without a token is refused, although the namespaces permit everything here", async () => {
    const client = await Client.connect("ann");
    expect((await client.ask({ subscribe: { channel: LIVE_CHANNEL } })).error?.code).toBe(103);
  });

  test("a token of the application is refused", async () => {
    const client = await Client.connect("ann");
    const token = await signAnonymous({ channel: LIVE_CHANNEL });
    expect((await client.ask({ subscribe: { channel: LIVE_CHANNEL, token } })).error?.code).toBe(103);
    const other = await Client.open("bob");
    const connected = await other.ask({
      connect: { token: await signAnonymous({ channels: [LIVE_CHANNEL] }) },
    });
    expect(connected.error?.code).toBe(102);
  });

  test("a token that names the operator's key and is signed by another key is refused", async () => {
    const client = await Client.connect("ann");
    const token = await new SignJWT({ sub: "", channel: LIVE_CHANNEL })
      .setProtectedHeader({ alg: "HS256", kid: "ringcast-operator" })
      .sign(new TextEncoder().encode(env.API_KEY));
    expect((await client.ask({ subscribe: { channel: LIVE_CHANNEL, token } })).error?.code).toBe(103);
  });

  test("a watcher can neither publish to the feed nor ask for its presence", async () => {
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
    // A client token could carry the name of any user.
    expect((await call("/clients", { users: ["ann"] }, env.READ_KEY)).status).toBe(403);
  });
});

describe("[OP2] shards publish to the feed only while an operator watches", () => {
  /** The number of shards that know of a watch. */
  async function watched(): Promise<number> {
    const { shards } = await coordinator().cluster(CONTRACT);
    const until = await Promise.all(
      shards.map(({ id }) =>
        runInDurableObject(shardObject(id), (_, { storage }) => storage.kv.get("watchedUntil")),
      ),
    );
    return until.filter((at) => at !== undefined).length;
  }

  test("an idle cluster publishes nothing to the feed, and runs no timer for it", async () => {
    const [published, timers] = [countPublications(), countTimers()];
    await Client.connect("ann");
    await changeRing({ kind: "add", count: 1 });
    await adopted();
    await until(() => timers() === 0);
    expect([await watched(), published()]).toEqual([0, 0]);
  });

  test("each shard publishes its counts each second to the watchers", async () => {
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

  test("a watch that has run out leaves no timer", async () => {
    const [published, timers] = [countPublications(), countTimers()];
    // This call goes straight to the coordinator, because the watch of a token lasts a minute.
    await coordinator().watch(Date.now() + 1_200, CONTRACT);
    await until(() => published() >= 4);
    await until(async () => (await watched()) === 0);
    await until(() => timers() === 0);
  });

  test("a shard that joins during a watch publishes too", async () => {
    const page = await watcher();
    await changeRing({ kind: "add", ids: ["late"] });
    await until(() => events(page, "pulse").some(({ shard }) => shard === "late"));
  });
});

describe("[OP3] the feed tells what happens to the ring", () => {
  test("an epoch comes with its cause and prediction, and each shard reports the sessions that it has moved", async () => {
    const page = await watcher();
    const [key = ""] = await keysOf("auto-3", 1);
    await Client.connect(key);
    await changeRing({ kind: "drain", id: "auto-3" });
    await until(() => events(page, "moved").some(({ shard, moved }) => shard === "auto-3" && moved >= 1));
    const [epoch] = events(page, "epoch");
    expect(epoch).toMatchObject({ cause: "drain auto-3", by: "test", descriptor: { epoch: 2 } });
    expect(epoch?.predicted.moving).toBeGreaterThanOrEqual(1);
  });

  test("a shard that died during a watch is reported when it runs again", async () => {
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

describe("[OP25] the feed tells what a router has refused", () => {
  const isRefused = (told: { readonly codes?: readonly CodeCount[] }): boolean =>
    told.codes?.some(({ kind, code }) => kind === "refusal" && code === "wrongKey") === true;

  test("along with an upgrade that a shard takes", async () => {
    const client = await watcher();
    expect((await call("/live", { channels: [] }, "a key of nobody's")).status).toBe(401);
    await until(async () => {
      await Client.open("bob");
      return events(client, "pulse").some(isRefused);
    });
  });

  test("or when the page renews its watch", async () => {
    const client = await watcher();
    expect((await call("/live", { channels: [] }, "a key of nobody's")).status).toBe(401);
    await until(async () => {
      await askTokens();
      return events(client, "refused").some(isRefused);
    });
  });
});
