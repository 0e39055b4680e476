import type { Context } from "hono";
import type { Config } from "../config/config.ts";
import { ENGINE_ERRORS, type EngineError } from "../socketio/engine.ts";
import { FRONT } from "../socketio/names.ts";
import type { HandshakeInfo } from "../socketio/state.ts";
import { bindingOfFront } from "../platform/fronts.ts";
import {
  comesTooOften,
  originAllowed,
  placeUpgrade,
  waitLate,
  type Upgrade,
  type UpgradeParts,
} from "./connection.ts";
import { forward } from "./forward.ts";

/** Of the query and the headers, which each socket keeps in its attachment. */
const HANDSHAKE_CHARS = 2_048;
/** Parameters of the protocol itself. */
const OF_PROTOCOL = new Set(["EIO", "transport", "sid", "t", "b64", "token", "key"]);

/** `/socket.io/`: takes a stock client to its shard. Refusals are in the words of Engine.IO (SPEC SO3). */
export async function connectSocket(request: Upgrade, parts: UpgradeParts): Promise<Response> {
  if (bindingOfFront(request.env, FRONT) === undefined)
    return refuse(request, "badRequest", "this deployment has no binding SHARD_SOCKETIO");
  const error = refusalOf(request);
  if (error !== undefined) return refuse(request, error.name, error.message);
  const origin = request.req.header("origin");
  if (origin !== undefined && !originAllowed(origin, new URL(request.req.url), parts.cluster))
    return refuse(request, "forbidden", `the origin ${origin} is not allowed`);
  if (await comesTooOften(request)) return unavailable("this address connects too often", 10);
  const handshake = handshakeOf(request, parts.cluster.socketio);
  if (JSON.stringify(handshake).length > HANDSHAKE_CHARS)
    return refuse(request, "badRequest", `query and headers have more than ${HANDSHAKE_CHARS} characters`);
  const place = await placeUpgrade(request, parts);
  if (!place.ok) return refuse(request, "badRequest", place.message);
  const forwarded = await forward({ ...place.upgrade, front: FRONT, ofFront: handshake });
  if (forwarded.kind === "connected") return forwarded.response;
  await waitLate(parts.lateErrors);
  return unavailable(forwarded.message, forwarded.retryAfterSeconds);
}

/** The checks of a stock server, in its order. */
function refusalOf({ req }: Upgrade): { readonly name: EngineError; readonly message?: string } | undefined {
  const transport = req.query("transport");
  if (transport === "polling")
    return { name: "unknownTransport", message: 'this server takes transports: ["websocket"] only' };
  if (transport !== "websocket") return { name: "unknownTransport" };
  // A session of this front lives on its one socket.
  if (req.query("sid") !== undefined) return { name: "unknownSession" };
  if (req.method !== "GET") return { name: "badMethod" };
  if (req.header("upgrade")?.toLowerCase() !== "websocket") return { name: "badRequest" };
  if (req.query("EIO") !== "4") return { name: "unsupportedVersion" };
  return undefined;
}

function handshakeOf({ req }: Context, { handshakeHeaders }: Config["cluster"]["socketio"]): HandshakeInfo {
  const query = Object.entries(req.query()).filter(([name]) => !OF_PROTOCOL.has(name));
  const headers = handshakeHeaders.flatMap((name) => {
    const value = req.header(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    query: Object.fromEntries(query),
    headers: Object.fromEntries(headers),
    address: req.header("cf-connecting-ip") ?? "",
  };
}

function refuse(request: Upgrade, name: EngineError, detail?: string): Response {
  const { code, status, message } = ENGINE_ERRORS[name];
  return request.json({ code, message: detail ?? message }, status);
}

const unavailable = (message: string, retryAfterSeconds: number): Response =>
  Response.json({ message }, { status: 503, headers: { "retry-after": String(retryAfterSeconds) } });
