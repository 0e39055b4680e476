import { existsSync } from "node:fs";
import { join } from "node:path";
import { SignJWT } from "jose";
import WebSocket from "ws";
import { createTestHarness } from "wrangler";
import { createClient, type ChannelSchemas, type Client, type ClientOptions } from "../client/client.ts";
import { awakeOf, evict, isIn, type NamedObject } from "./objects.ts";
import { SECRETS } from "./secrets.ts";

export type { NamedObject } from "./objects.ts";

const CONFIG_FILES = ["wrangler.jsonc", "wrangler.json", "wrangler.toml"];
/** Without work an object sleeps after 10 s on the platform; here it is put to sleep at once. */
const SLEEP_WITHIN_MS = 10_000;
const TOKEN_SECONDS = 3_600;
type Shard = { readonly id: string; readonly region: string };

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export type ClusterOptions = {
  /** The project's folder; the folder in which the tests run unless given. */
  readonly root?: string;
  /** From `root`; the one that is there, `wrangler.jsonc`, `wrangler.json` or `wrangler.toml`, unless given. */
  readonly configPath?: string;
  /** Variables that replace those of the configuration. */
  readonly vars?: Readonly<Record<string, Json>>;
  /** Besides the cluster's own, which the tests choose. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** As in `createRingcast`. */
  readonly prefix?: string;
  readonly basePath?: string;
};

export type TestClientOptions = Partial<ClientOptions> & {
  /** The client has a token of this user. */
  readonly user?: string;
  /** Further claims of the token, such as `info` and `channels`. */
  readonly claims?: Readonly<Record<string, unknown>>;
};

type Answer = Readonly<Record<string, unknown>> & {
  readonly error?: { readonly code: number | string; readonly message: string };
};

/** A cluster in workerd, with its own empty storage and real sockets. */
export type TestCluster = {
  readonly url: URL;
  /** Wrangler's own harness, for the rest of the Worker. */
  readonly harness: ReturnType<typeof createTestHarness>;
  /** Calls a method of the server API, and answers with its `result`. Rejects with the error. */
  api(method: string, params?: object): Promise<unknown>;
  /** A client (`ringcast/client`) of this cluster, which `stop` disconnects. */
  client<Schemas extends ChannelSchemas = ChannelSchemas>(options?: TestClientOptions): Client<Schemas>;
  /** A connection token for an hour of the cluster's time. */
  token(user: string, claims?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Ends every shard, as a crash does: its connections are lost, and clients come back. */
  crashShards(): Promise<void>;
  /**
   * Moves the cluster's time on, by at most a year at once, and resolves when its objects have done what has become due:
   * history runs out, tokens expire, channels are forgotten. `Date` in the Worker moves too; the test's own does not, nor
   * does a timer of `setTimeout`. Wait first until the cluster shows what it should have heard: what a client has sent
   * just before may arrive later.
   */
  advance(ms: number): Promise<void>;
  /**
   * Puts every object of the cluster to sleep, and those of `objects`; sockets stay open. Rejects with the names of the
   * objects that stay awake, because a timer runs or a promise is not settled: such an object costs money all day.
   */
  expectToSleep(options?: {
    readonly objects?: readonly NamedObject[];
    readonly withinMs?: number;
  }): Promise<void>;
  stop(): Promise<void>;
};

/** Starts the Worker of a project, for the project's own tests (SPEC PK13). It needs the package `wrangler`. */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const { root = process.cwd(), vars = {}, secrets = {}, prefix = "", basePath = "" } = options;
  const configPath = options.configPath ?? CONFIG_FILES.find((name) => existsSync(join(root, name)));
  if (configPath === undefined) throw new Error(`there is no ${CONFIG_FILES.join(", ")} in ${root}`);
  const own = Object.fromEntries(Object.entries(SECRETS).map(([name, value]) => [prefix + name, value]));
  const overrides = `${prefix}RINGCAST_OVERRIDES`;
  const harness = createTestHarness({
    root,
    workers: [
      {
        configPath,
        vars: { ...vars, [overrides]: { development: true, ...(vars[overrides] as object | undefined) } },
        secrets: { ...own, ...secrets },
      },
    ],
  });
  const { url } = await harness.listen();
  const base = new URL(`${basePath}/`, url);
  const clients: Client[] = [];
  let aheadMs = 0;

  const token = (user: string, claims: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    new SignJWT({ ...claims, sub: user })
      .setProtectedHeader({ alg: "HS256" })
      .setExpirationTime(Math.floor((Date.now() + aheadMs) / 1000) + TOKEN_SECONDS)
      .sign(new TextEncoder().encode(SECRETS.TOKEN_HMAC_SECRET));

  const call = async (path: string, init: RequestInit = {}): Promise<Readonly<Record<string, unknown>>> => {
    const headers = { "x-api-key": SECRETS.API_KEY, "content-type": "application/json" };
    const response = await fetch(new URL(path, base), { ...init, headers });
    // A Worker answers so, and not its cluster, where the cluster is mounted below another path.
    const answer = (await response.json().catch(() => {
      throw new Error(
        `${response.url} is no address of the cluster (status ${response.status}): is its basePath "${basePath}"?`,
      );
    })) as Answer;
    if (answer.error !== undefined) throw new Error(`${answer.error.code}: ${answer.error.message}`);
    return answer;
  };

  const shards = async (): Promise<NamedObject[]> => {
    const answer = (await call("admin/api/cluster")) as { readonly shards: readonly Shard[] };
    const env = await harness.getWorker().getEnv();
    const bindings = [`${prefix}SHARD`, `${prefix}SHARD_SOCKETIO`].filter((binding) => binding in env);
    return answer.shards.flatMap(({ id, region }) =>
      bindings.map((binding) => ({ binding, name: `${region}/${id}` })),
    );
  };

  return {
    url: base,
    harness,
    api: async (method, params = {}) =>
      (await call(`api/${method}`, { method: "POST", body: JSON.stringify(params) })).result,
    client<Schemas extends ChannelSchemas = ChannelSchemas>({
      user,
      claims,
      ...given
    }: TestClientOptions = {}) {
      const client = createClient<Schemas>({
        url: base,
        websocket: WebSocket,
        ...(user === undefined ? {} : { getToken: () => token(user, claims) }),
        ...given,
      });
      clients.push(client as Client);
      return client;
    },
    token,
    async crashShards() {
      await Promise.all((await shards()).map((shard) => evict(harness, shard, "close")));
    },
    async advance(ms) {
      // Before the call: it may end connections, whose clients then ask for a token.
      const byMs = Number.isFinite(ms) ? ms : 0;
      aheadMs += byMs;
      try {
        await call("admin/api/time", { method: "POST", body: JSON.stringify({ advanceMs: ms }) });
      } catch (error) {
        aheadMs -= byMs;
        throw error;
      }
    },
    async expectToSleep({ objects = [], withinMs = SLEEP_WITHIN_MS } = {}) {
      const channels = await harness.getWorker().listDurableObjectIds(`${prefix}CHANNEL`);
      const all = [
        ...(await shards()),
        ...channels.map((id) => ({ binding: `${prefix}CHANNEL`, id })),
        { binding: `${prefix}COORDINATOR`, name: "coordinator" },
        ...objects,
      ];
      const awake = await awakeOf(all, (object) => isIn(withinMs, evict(harness, object, "hibernate")));
      if (awake.length === 0) return;
      throw new Error(
        `these objects do not sleep within ${withinMs} ms, because a timer runs or a promise is not settled: ${awake.join(", ")}`,
      );
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await harness.close();
    },
  };
}
