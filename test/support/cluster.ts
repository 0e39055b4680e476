import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Centrifuge, type Options } from "centrifuge";
import { SignJWT, type JWTPayload } from "jose";
import WebSocket from "ws";
import { createTestHarness } from "wrangler";
import { localConfig } from "../../scripts/local-config.mjs";

export const API_KEY = "test-api-key-of-16";
export const READ_KEY = "test-read-key-of-16";
export const HMAC_SECRET = "test-hmac-secret-of-32-bytes-or-more";

// The runtime would otherwise fetch the geography of the edge from the net. All clients here are in one place.
process.env["CLOUDFLARE_CF_FETCH_ENABLED"] ??= "false";

const root = join(import.meta.dirname, "../..");

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type Table = { [key: string]: Json };

/** A cluster and clients that wait longer than usual: the machine may be busy. */
export const BUSY_TIMES = { staleConnectionMs: 120_000, pongTimeoutMs: 60_000 };
export const BUSY_CLIENT = { timeout: 60_000 };

/** A whole cluster on a real server: workerd with its own empty storage, and real sockets. */
export type Cluster = {
  readonly url: URL;
  readonly server: ReturnType<typeof createTestHarness>;
  /** The WebSocket address for an affinity key. */
  endpoint(key?: string): string;
  /** Calls the operator's API. The answer is status and JSON. */
  admin(method: string, path: string, body?: unknown, key?: string): Promise<{ status: number; body: any }>;
  /** A stock client, not connected yet. */
  client(key: string, options?: Partial<Options>): Centrifuge;
  stop(): Promise<void>;
};

const WEBHOOK_SECRET = `whsec_${Buffer.from("a secret of the webhook's own, 32+").toString("base64")}`;

/** The settings override those of wrangler.toml. `insecure` and `development` are on unless a setting turns them off. */
export async function startCluster(
  settings: {
    cluster?: Table;
    namespaces?: Record<string, Table>;
    /** Binds the platform's rate limit of the server API. */
    rateLimit?: { limit: number; period: 10 | 60 };
    /** The Worker, in place of the one that is shipped. */
    main?: string;
    /** The configuration of `npm start`, which has a Socket.IO server. */
    local?: true;
  } = {},
): Promise<Cluster> {
  const namespaces = Object.entries(settings.namespaces ?? {});
  const { rateLimit, main, local } = settings;
  const isShipped = rateLimit === undefined && main === undefined && local === undefined;
  const own = isShipped ? undefined : writeConfig({ rateLimit, main, local });
  const { times, ...cluster } = settings.cluster ?? {};
  const server = createTestHarness({
    root,
    workers: [
      {
        configPath: own === undefined ? "wrangler.toml" : join(own, "wrangler.toml"),
        vars: {
          RINGCAST_OVERRIDES: {
            development: true,
            insecure: true,
            anonymous: true,
            // Tests of limits fill shards.
            scale: { mode: "off" },
            ...cluster,
            times: { ...BUSY_TIMES, ...(times as Table | undefined) },
          },
          ...Object.fromEntries(namespaces.map(([name, options]) => [`RINGCAST_NS_${name}`, options])),
        },
        secrets: {
          API_KEY,
          READ_KEY,
          TOKEN_HMAC_SECRET: HMAC_SECRET,
          ...(cluster["webhook"] === undefined ? {} : { WEBHOOK_SECRET }),
        },
      },
    ],
  });
  const { url } = await server.listen();
  const clients: Centrifuge[] = [];
  const endpoint = (key?: string) => {
    const address = new URL("/connection/websocket", url);
    address.protocol = "ws:";
    if (key !== undefined) address.searchParams.set("key", key);
    return address.href;
  };
  return {
    url,
    server,
    endpoint,
    async admin(method, path, body, key = API_KEY) {
      const response = await fetch(new URL(`/admin/api${path}`, url), {
        method,
        headers: { "x-api-key": key, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
    },
    client(key, options = {}) {
      const client = new Centrifuge(endpoint(key), { ...BUSY_CLIENT, websocket: WebSocket, ...options });
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await server.close();
      if (own !== undefined) rmSync(own, { recursive: true });
    },
  };
}

/** Writes a configuration into its own directory, because the Worker and its bindings come only from files. */
function writeConfig(change: {
  rateLimit: { limit: number; period: number } | undefined;
  main: string | undefined;
  local: true | undefined;
}): string {
  const { rateLimit, local, main = local === true ? "src/local.ts" : "src/index.ts" } = change;
  const shipped = readFileSync(join(root, "wrangler.toml"), "utf8");
  const directory = mkdtempSync(join(tmpdir(), "ringcast-config-"));
  let text = (local === true ? localConfig(shipped) : shipped)
    .replace(/^main = .*$/m, () => `main = ${JSON.stringify(join(root, main))}`)
    .replace('"dist/console"', () => JSON.stringify(join(root, "dist/console")));
  if (rateLimit !== undefined) {
    const { limit, period } = rateLimit;
    text += `\n[[ratelimits]]\nname = "API_RATE_LIMIT"\nnamespace_id = "1"\nsimple = { limit = ${limit}, period = ${period} }\n`;
  }
  writeFileSync(join(directory, "wrangler.toml"), text);
  return directory;
}

/** Waits until every shard has adopted the newest epoch. */
export async function adopted(cluster: Cluster): Promise<void> {
  await eventually(async () => {
    const { ringEpoch, shards, untold } = (await cluster.admin("GET", "/cluster")).body;
    return (
      untold.length === 0 && shards.every((shard: any) => [ringEpoch, 0, null].includes(shard.ringEpochSeen))
    );
  });
}

/** A token that the test cluster accepts. */
export function signToken(claims: JWTPayload, secret: string = HMAC_SECRET): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(secret));
}

/**
 * Waits until `probe` returns a value that is not undefined, null or false, and returns that value. The time is a
 * bound for busy machines.
 */
export async function eventually<T>(probe: () => T | Promise<T>, forMs = 240_000): Promise<NonNullable<T>> {
  const until = Date.now() + forMs;
  for (;;) {
    const seen = await probe();
    if (seen !== undefined && seen !== null && (seen as unknown) !== false) return seen;
    if (Date.now() > until) throw new Error(`this condition has stayed false: ${probe.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
