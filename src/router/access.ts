import type { Context, MiddlewareHandler } from "hono";
import { answerError } from "./errors.ts";

/** What an API key permits. */
export type Access = "full" | "read" | "none";

/**
 * Lets in who shows the `API_KEY`, and for reading also the `READ_KEY` (SPEC AU4): in `X-API-Key`, or in
 * `Authorization` after `apikey` or `Bearer`. A deployment without a key lets nobody in.
 */
export const requireKey: MiddlewareHandler<{ Bindings: Cloudflare.Env }> = async (request, next) => {
  if (keyIn(request) === undefined) {
    return answerError(request, 401, { code: "noKey", message: "send an API key in the X-API-Key header" });
  }
  const access = await accessOf(request);
  if (access === "none")
    return answerError(request, 401, { code: "wrongKey", message: "this API key is not valid" });
  const reads = READING_METHODS.has(request.req.method) || request.req.path.endsWith(READING_POST);
  if (access === "read" && !reads)
    return answerError(request, 403, { code: "readOnly", message: "this API key may only read" });
  return next();
};

const READING_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);
/** Makes tokens to watch with, and so is no GET. */
const READING_POST = "/admin/api/live";

/** What the key of a request permits; `otherwise` is one that came in no header. */
export async function accessOf<Env extends { Bindings: Cloudflare.Env }>(
  request: Context<Env>,
  otherwise?: string,
): Promise<Access> {
  const given = keyIn(request) ?? otherwise;
  if (given === undefined) return "none";
  // Both are always compared, so that the time tells nothing of which is near.
  const digest = await sha256(given);
  const [full, read] = await Promise.all([
    isKey(digest, request.env.API_KEY),
    isKey(digest, request.env.READ_KEY),
  ]);
  if (full) return "full";
  return read ? "read" : "none";
}

const keyIn = (request: Pick<Context, "req">): string | undefined =>
  nonEmpty(request.req.header("x-api-key")) ?? fromAuthorization(request.req.header("authorization"));

/** An empty header is one that was not set. */
const nonEmpty = (header: string | undefined): string | undefined => (header === "" ? undefined : header);

function fromAuthorization(header: string | undefined): string | undefined {
  return /^(?:apikey|bearer) (.+)$/i.exec(header ?? "")?.[1];
}

/** Of the deployment's keys, which are few. */
const digests = new Map<string, Promise<ArrayBuffer>>();

/** Compares digests, as `timingSafeEqual` takes only buffers of one length and the key's length is a secret too. */
async function isKey(given: ArrayBuffer, key: string | undefined): Promise<boolean> {
  if (key === undefined || key === "") return false;
  const known = digests.get(key) ?? sha256(key);
  digests.set(key, known);
  return crypto.subtle.timingSafeEqual(given, await known);
}

const sha256 = (text: string): Promise<ArrayBuffer> =>
  crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
