import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import type { ClusterConfig } from "../config/cluster.ts";
import type { Region } from "../config/regions.ts";
import type { RouteIdentity } from "../contracts/route.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { workerEnv } from "../platform/bindings.ts";
import type { Verifier } from "../tokens/verifier.ts";
import { readAffinity } from "./affinity.ts";
import { authenticate } from "./authenticate.ts";
import { answerError } from "./errors.ts";
import { forward } from "./forward.ts";
import type { LateErrors } from "./late-errors.ts";
import type { RefusedAddresses } from "./refused-addresses.ts";
import type { RingCache } from "./ring-cache.ts";
import { verifyUpgradeToken } from "./upgrade-token.ts";

/** The one subprotocol that the server agrees on (docs/protocol.md C2). */
const SUBPROTOCOL = "centrifuge-json";
/** The shortest period of the platform's rate limit (docs/platform.md P43). */
export const LIMIT_SECONDS = 10;

export type Upgrade = Context<{ Bindings: RingcastEnv }>;

export type UpgradeParts = {
  readonly cluster: ClusterConfig;
  readonly hooks: Hooks;
  readonly verifier: Verifier;
  readonly cache: RingCache;
  readonly lateErrors: LateErrors;
  readonly refused: RefusedAddresses;
};

/** `GET /connection/websocket`: checks an upgrade, finds its region, identity and key, and takes it to its shard. */
export async function connectClient(request: Upgrade, parts: UpgradeParts): Promise<Response> {
  const refusal = refuseUpgrade(request, parts.cluster);
  if (refusal !== undefined) return refusal;
  if (await comesTooOften(request)) {
    return answerError(request, 429, {
      code: "tooManyConnections",
      message: "this address connects too often",
      headers: { "retry-after": String(LIMIT_SECONDS) },
    });
  }
  const place = await placeUpgrade(request, parts);
  if (!place.ok) return answerError(request, 400, { code: place.code, message: place.message });
  const forwarded = await forward({
    ...place.upgrade,
    subprotocol: offeredBy(request).find((name) => name === SUBPROTOCOL),
  });
  if (forwarded.kind === "connected") return forwarded.response;
  await waitLate(parts.lateErrors);
  return answerError(request, 503, {
    code: "unavailable",
    message: forwarded.message,
    headers: { "retry-after": String(forwarded.retryAfterSeconds) },
  });
}

/** Waits before an error of the cluster (SPEC EL60). The platform ends the request of a client that leaves. */
export async function waitLate(lateErrors: LateErrors): Promise<void> {
  const lateMs = lateErrors.next(Date.now());
  if (lateMs > 0) await scheduler.wait(lateMs);
}

/** An upgrade that a shard may take, or why not. */
type PlacedUpgrade =
  | { readonly ok: true; readonly upgrade: Parameters<typeof forward>[0] }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Finds the region, the identity and the key of an upgrade in any protocol. */
export async function placeUpgrade(request: Upgrade, parts: UpgradeParts): Promise<PlacedUpgrade> {
  const clientRegion = regionOf(request.req.raw.cf);
  const named = await identityOf(request, parts, clientRegion);
  const token = tokenOf(request);
  const shown = token === undefined ? undefined : await verifyUpgradeToken(token, parts.verifier);
  // Where the hook has answered, a token that is not ours may be the hook's own.
  if (named === undefined && shown?.kind === "unreadable")
    return { ok: false, code: "badToken", message: shown.message };
  const valid =
    shown?.kind === "valid" && (named === undefined || shown.claims.operator === true) ? shown : undefined;
  const identity = named ?? (shown?.kind === "refused" ? shown.identity : undefined);
  const user = identity?.kind === "user" ? identity.user : valid?.claims.user;
  const affinity = readAffinity(request, parts.cluster, user);
  if (!affinity.ok) return { ok: false, code: "badKey", message: affinity.message };
  return {
    ok: true,
    upgrade: {
      env: request.env,
      cache: parts.cache,
      key: affinity.key,
      keyIsAddress: affinity.isAddress,
      clientRegion,
      ...(valid === undefined ? {} : { token: valid.token }),
      ...(identity === undefined ? {} : { identity }),
    },
  };
}

/** Refuses an upgrade that no shard needs to hear of (SPEC AU6). */
function refuseUpgrade(request: Upgrade, cluster: ClusterConfig): Response | undefined {
  if (request.req.header("upgrade")?.toLowerCase() !== "websocket") {
    return answerError(request, 426, {
      code: "upgradeRequired",
      message: "this address takes WebSocket connections only",
      headers: { upgrade: "websocket" },
    });
  }
  const origin = request.req.header("origin");
  if (origin !== undefined && !originAllowed(origin, new URL(request.req.url), cluster)) {
    return answerError(request, 403, {
      code: "foreignOrigin",
      message: `the origin ${origin} is not allowed`,
    });
  }
  if (wantsProtobuf(request)) {
    return answerError(request, 400, {
      code: "jsonOnly",
      message: "this server speaks the JSON protocol only",
    });
  }
  return undefined;
}

/** Whether a client's address is over its limit, where one is bound (SPEC AU12). */
export function comesTooOften(request: Upgrade): Promise<boolean> {
  return isOverLimit(request, addressOf(request));
}

/** Counts one for `key`, and says whether that is more than the limit of upgrades. */
export async function isOverLimit({ env }: Upgrade, key: string | undefined): Promise<boolean> {
  if (env.UPGRADE_RATE_LIMIT === undefined || key === undefined) return false;
  return !(await env.UPGRADE_RATE_LIMIT.limit({ key })).success;
}

/** The address of the client, which the edge writes. */
export const addressOf = ({ req }: Upgrade): string | undefined => req.header("cf-connecting-ip");

/** Allows the deployment's own origin and `allowedOrigins`, and every origin in development. */
export function originAllowed(origin: string, url: URL, cluster: ClusterConfig): boolean {
  if (cluster.development || cluster.allowedOrigins.includes("*")) return true;
  return origin === url.origin || cluster.allowedOrigins.includes(origin);
}

/** The subprotocols that a client offers. */
const offeredBy = (request: Upgrade): string[] =>
  (request.req.header("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());

/** A client asks for Protobuf in one of three ways (docs/protocol.md C2). */
function wantsProtobuf(request: Upgrade): boolean {
  const format = request.req.query("format") ?? request.req.query("cf_protocol");
  return format === "protobuf" || offeredBy(request).includes("centrifuge-protobuf");
}

/** The token in the query `token`, the cookie `ringcast_token` or a bearer header. */
function tokenOf(request: Upgrade): string | undefined {
  const bearer = /^bearer (.+)$/i.exec(request.req.header("authorization") ?? "")?.[1];
  const token = request.req.query("token") ?? getCookie(request, "ringcast_token") ?? bearer;
  return token === "" ? undefined : token;
}

/** Asks the deployment's `authenticate` hook, if there is one. */
async function identityOf(
  request: Upgrade,
  parts: UpgradeParts,
  region: Region,
): Promise<RouteIdentity | undefined> {
  const { hooks, cluster } = parts;
  if (hooks.authenticate === undefined) return undefined;
  const ctx = { waitUntil: (promise: Promise<unknown>) => request.executionCtx.waitUntil(promise) };
  const event = { env: workerEnv(request.env), ctx, region, request: request.req.raw };
  return authenticate(() => hooks.authenticate?.(event), { timeoutMs: cluster.times.hookTimeoutMs });
}

/** Degrees of longitude: the regions of North America meet in the middle of the continent. */
const NORTH_AMERICA_SPLIT = -100;
/** The regions of Europe meet at about the river Oder. */
const EUROPE_SPLIT = 15;
/** The part of Asia to the west is the Middle East. */
const MIDDLE_EAST_END = 60;

/** The region nearest to a client, by the edge's geolocation, or `auto` where the edge has none (docs/platform.md P34). */
export function regionOf(cf: Readonly<Record<string, unknown>> | undefined): Region {
  const given = cf?.["longitude"];
  const longitude = given === undefined ? undefined : Number(given);
  switch (cf?.["continent"]) {
    case "NA":
      return (longitude ?? 0) < NORTH_AMERICA_SPLIT ? "wnam" : "enam";
    case "SA":
      return "sam";
    case "EU":
      return (longitude ?? 0) < EUROPE_SPLIT ? "weur" : "eeur";
    case "AS":
      return longitude !== undefined && longitude < MIDDLE_EAST_END ? "me" : "apac";
    case "OC":
      return "oc";
    case "AF":
      return "afr";
    default:
      return "auto";
  }
}
