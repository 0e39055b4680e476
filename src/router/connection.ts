import type { Context } from "hono";
import type { ClusterConfig } from "../config/cluster.ts";
import type { Verifier } from "../tokens/verifier.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { readAffinity } from "./affinity.ts";
import { authenticate } from "./authenticate.ts";
import { answerError } from "./errors.ts";
import { forward } from "./forward.ts";
import { regionOf } from "./region.ts";
import type { RingCache } from "./ring-cache.ts";

/** `GET /connection/websocket`: checks what can be checked without a session, then hands the upgrade to its shard. */
export async function connectClient(
  request: Context<{ Bindings: Cloudflare.Env }>,
  parts: {
    readonly cluster: ClusterConfig;
    readonly hooks: Hooks;
    readonly verifier: Verifier;
    readonly cache: RingCache;
  },
): Promise<Response> {
  if (request.req.header("upgrade")?.toLowerCase() !== "websocket") {
    return answerError(
      request,
      426,
      { code: "upgradeRequired", message: "this address takes WebSocket connections only" },
      { upgrade: "websocket" },
    );
  }
  const origin = request.req.header("origin");
  if (origin !== undefined && !originAllowed(origin, new URL(request.req.url), parts.cluster)) {
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
  const clientRegion = regionOf(request.req.raw.cf);
  const identity = await authenticate(request, parts, clientRegion);
  const user = identity?.kind === "user" ? identity.user : undefined;
  const affinity = await readAffinity(request, parts, user);
  if (!affinity.ok) return answerError(request, 400, { code: "badKey", message: affinity.message });

  const forwarded = await forward({
    env: request.env,
    request: request.req.raw,
    cache: parts.cache,
    key: affinity.key,
    clientRegion,
    ...(affinity.token === undefined ? {} : { token: affinity.token }),
    ...(identity === undefined ? {} : { identity }),
  });
  if (forwarded.kind === "connected") return forwarded.response;
  return answerError(
    request,
    503,
    { code: "unavailable", message: forwarded.message },
    { "retry-after": String(forwarded.retryAfterSeconds) },
  );
}

/** A page of this very deployment, one of `allowedOrigins`, or anybody in development. */
function originAllowed(origin: string, url: URL, cluster: ClusterConfig): boolean {
  if (cluster.development || cluster.allowedOrigins.includes("*")) return true;
  return origin === url.origin || cluster.allowedOrigins.includes(origin);
}

function wantsProtobuf(request: Context): boolean {
  const offered = request.req.header("sec-websocket-protocol") ?? "";
  const format = request.req.query("format") ?? request.req.query("cf_protocol");
  return format === "protobuf" || offered.includes("centrifuge-protobuf");
}
