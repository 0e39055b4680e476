import type { Config } from "../config/config.ts";
import type { ShardAddress } from "../contracts/address.ts";
import { encodeRoute, ROUTE_HEADER } from "../contracts/route.ts";
import { CONTRACT } from "../contracts/version.ts";
import { shardStub } from "../platform/calls.ts";
import { bindingOfFront } from "../platform/fronts.ts";
import { logError } from "../platform/logger.ts";
import { refuse } from "../socketio/answers.ts";
import type { EngineError } from "../socketio/engine.ts";
import { FRONT } from "../socketio/names.ts";
import type { PollingRequest } from "../socketio/polling.ts";
import type { HandshakeInfo } from "../socketio/state.ts";
import {
  addressOf,
  comesTooOften,
  isOverLimit,
  LIMIT_SECONDS,
  originAllowed,
  placeUpgrade,
  waitLate,
  type Upgrade,
  type UpgradeParts,
} from "./connection.ts";
import { preflight, withCors } from "./cors.ts";
import { forward } from "./forward.ts";
import { namedShard } from "./named-shard.ts";
import { refusalsOf } from "./refusals.ts";

/** Of the query and the headers, which each socket keeps in its attachment. */
const HANDSHAKE_CHARS = 2_048;
/** Parameters of the protocol itself. */
const OF_PROTOCOL = new Set(["EIO", "transport", "sid", "t", "b64", "token", "key"]);

type Query = Readonly<Record<string, string>>;

/**
 * `socketio.path`: takes a stock client to its shard, and each later request of its session to the same one. Refusals
 * are in the words of Engine.IO, and the checks in its order (SPEC SO3).
 */
export async function connectSocket(request: Upgrade, parts: UpgradeParts): Promise<Response> {
  if (bindingOfFront(request.env, FRONT) === undefined)
    return refused(request, "badRequest", "this deployment has no binding SHARD_SOCKETIO");
  const { req } = request;
  const origin = req.header("origin");
  const isForeign = origin !== undefined && !originAllowed(origin, new URL(req.url), parts.cluster);
  if (origin !== undefined && req.method === "OPTIONS")
    return isForeign
      ? foreign(request, origin)
      : preflight(origin, req.header("access-control-request-headers"));
  const query: Query = Object.fromEntries(new URL(req.url).searchParams);
  const answer = await answerTo(request, query, { parts, isForeign });
  const isForBrowser = origin !== undefined && !isForeign && answer.status !== 101;
  return isForBrowser ? withCors(answer, origin) : answer;
}

async function answerTo(
  request: Upgrade,
  query: Query,
  { parts, isForeign }: { readonly parts: UpgradeParts; readonly isForeign: boolean },
): Promise<Response> {
  const { req } = request;
  const { transport, sid = "", EIO } = query;
  const isUpgrade = req.header("upgrade")?.toLowerCase() === "websocket";
  const isOfVersion = EIO === "4";
  const origin = req.header("origin") ?? "";
  if (transport !== "polling" && transport !== "websocket") return refused(request, "unknownTransport");
  // A polling request has no upgrade, and a header is Latin-1.
  if ((transport === "polling" && isUpgrade) || /[^\t\u0020-\u007E\u0080-\u00FF]/.test(origin))
    return refused(request, "badRequest");
  if (sid !== "") {
    if (isForeign) return foreign(request, origin);
    return goOn(request, parts, { sid, transport, isUpgrade, isOfVersion });
  }
  const error = refusalOf({ method: req.method, transport, isUpgrade });
  if (error !== undefined) return refused(request, error);
  if (isForeign) return foreign(request, origin);
  if (!isOfVersion) return refused(request, "unsupportedVersion");
  return connect(request, parts, { query, transport });
}

/** Refuses a request, and counts it for operators (SPEC OP25). */
function refused({ env }: Upgrade, name: EngineError, detail?: string): Response {
  refusalsOf(env).note(name === "forbidden" ? "foreignOrigin" : name);
  return refuse(name, detail);
}

const foreign = (request: Upgrade, origin: string): Response =>
  refused(request, "forbidden", `the origin ${origin} is not allowed`);

/** The checks of a new connection. */
function refusalOf({
  method,
  transport,
  isUpgrade,
}: {
  readonly method: string;
  readonly transport: PollingRequest["transport"];
  readonly isUpgrade: boolean;
}): EngineError | undefined {
  if (method !== "GET") return "badMethod";
  return transport === "websocket" && !isUpgrade ? "badRequest" : undefined;
}

async function connect(
  request: Upgrade,
  parts: UpgradeParts,
  { query, transport }: { readonly query: Query; readonly transport: PollingRequest["transport"] },
): Promise<Response> {
  if (await comesTooOften(request))
    return unavailable(request, {
      code: "tooManyConnections",
      message: "this address connects too often",
      retryAfterSeconds: LIMIT_SECONDS,
    });
  const handshake = handshakeOf(request, query, parts.cluster.socketio);
  if (JSON.stringify(handshake).length > HANDSHAKE_CHARS)
    return refused(request, "badRequest", `query and headers have more than ${HANDSHAKE_CHARS} characters`);
  const place = await placeUpgrade(request, parts);
  if (!place.ok) return refused(request, "badRequest", place.message);
  const forwarded = await forward({
    ...place.upgrade,
    front: FRONT,
    ofFront: handshake,
    ...(transport === "polling" ? { inMemory: true } : {}),
  });
  if (forwarded.kind === "connected") return forwarded.response;
  await waitLate(parts.lateErrors);
  return unavailable(request, forwarded);
}

/**
 * Takes a request of a session to the shard that its `sid` names. Anybody can make a `sid` up, so an address may be
 * refused by shards as often as it may connect; then it is refused here for a while (SPEC SO66).
 */
async function goOn(request: Upgrade, parts: UpgradeParts, word: PollingRequest): Promise<Response> {
  const { env } = request;
  const address = addressOf(request) ?? "";
  if (parts.refused.isRefused(address, Date.now()))
    return unavailable(request, {
      code: "tooManyConnections",
      message: "this address asks too often for sessions that do not exist",
      retryAfterSeconds: LIMIT_SECONDS,
    });
  const shard = await namedShard(word.sid, { env, cache: parts.cache });
  if (shard === undefined) return refused(request, "unknownSession");
  const answer = await askShard(request, shard, word);
  // A limit of their own: clients that lost their sessions with a shard come back through the limit of connections.
  if (answer.status === 400 && (await isOverLimit(request, `refused ${address}`)))
    parts.refused.refuse(address, Date.now() + LIMIT_SECONDS * 1_000);
  return answer;
}

async function askShard(request: Upgrade, shard: ShardAddress, word: PollingRequest): Promise<Response> {
  const { env, req } = request;
  const headers = new Headers({ [ROUTE_HEADER]: encodeRoute({ contract: CONTRACT, session: word }) });
  if (word.isUpgrade) headers.set("upgrade", "websocket");
  const contentType = req.header("content-type");
  if (contentType !== undefined) headers.set("content-type", contentType);
  const { method } = req;
  const body = method === "POST" ? req.raw.body : null;
  try {
    return await shardStub(env, shard).fetch(new Request("https://shard/", { method, headers, body }));
  } catch (error) {
    // Its memory may be gone, and the session with it: the client begins anew.
    logError("a shard did not take a request of a session", { shard: shard.id, error });
    return unavailable(request, { message: "the shard does not answer", retryAfterSeconds: 2 });
  }
}

function handshakeOf(
  { req }: Upgrade,
  query: Query,
  { handshakeHeaders }: Config["cluster"]["socketio"],
): HandshakeInfo {
  const headers = handshakeHeaders.flatMap((name) => {
    const value = req.header(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    query: Object.fromEntries(Object.entries(query).filter(([name]) => !OF_PROTOCOL.has(name))),
    headers: Object.fromEntries(headers),
    address: req.header("cf-connecting-ip") ?? "",
  };
}

/** As `refused`, for a client that may come back later. */
function unavailable(
  { env }: Upgrade,
  refusal: { readonly code?: string; readonly message: string; readonly retryAfterSeconds: number },
): Response {
  const { code = "unavailable", message, retryAfterSeconds } = refusal;
  refusalsOf(env).note(code);
  return Response.json({ message }, { status: 503, headers: { "retry-after": String(retryAfterSeconds) } });
}
