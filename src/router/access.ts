import type { Context } from "hono";
import { ConfigError } from "../config/config.ts";
import { prefixOf } from "../platform/bindings.ts";

/** The access that an API key gives (SPEC AU4). */
export type Access = "full" | "read" | "none";

/**
 * The access that the key of a request gives: full with `API_KEY`, reading with `READ_KEY`, and so with the previous
 * value of either (SPEC AU11). `otherwise` is a key that did not come in a header. In a deployment without keys no
 * request has access.
 */
export async function accessOf<Env extends { Bindings: RingcastEnv }>(
  request: Context<Env>,
  otherwise?: string,
): Promise<Access> {
  const given = keyIn(request) ?? otherwise;
  if (given === undefined) return "none";
  // All keys are always compared, so that the time does not show which one is similar.
  const digest = await sha256(given);
  const { API_KEY, API_KEY_PREVIOUS, READ_KEY, READ_KEY_PREVIOUS } = request.env;
  const matches = await Promise.all(
    [API_KEY, API_KEY_PREVIOUS, READ_KEY, READ_KEY_PREVIOUS].map((key) => isKey(digest, key)),
  );
  if (matches[0] === true || matches[1] === true) return "full";
  return matches.includes(true) ? "read" : "none";
}

/** Throws `ConfigError` in a deployment that no key can open (SPEC PK5). */
export function requireKeys(env: RingcastEnv): void {
  const { API_KEY, API_KEY_PREVIOUS, READ_KEY, READ_KEY_PREVIOUS } = env;
  const keys = [API_KEY, API_KEY_PREVIOUS, READ_KEY, READ_KEY_PREVIOUS];
  if (keys.some((key) => key !== undefined && key !== "")) return;
  const prefix = prefixOf(env);
  throw new ConfigError(
    `neither of the secrets ${prefix}API_KEY and ${prefix}READ_KEY is set, so no request has access: write a line ${prefix}API_KEY=<16 characters or more> into .dev.vars for this machine, and run "npx wrangler secret put ${prefix}API_KEY" for a deployment`,
  );
}

/** The key in `X-API-Key`, else the one in `Authorization` after `apikey` or `Bearer` (docs/protocol.md C41). */
export const keyIn = (request: Pick<Context, "req">): string | undefined =>
  nonEmpty(request.req.header("x-api-key")) ?? fromAuthorization(request.req.header("authorization"));

/** An empty header counts as absent. */
const nonEmpty = (header: string | undefined): string | undefined => (header === "" ? undefined : header);

function fromAuthorization(header: string | undefined): string | undefined {
  return /^(?:apikey|bearer) (.+)$/i.exec(header ?? "")?.[1];
}

/** The digests of the deployment's keys. */
const digests = new Map<string, Promise<ArrayBuffer>>();

/** Compares digests, because `timingSafeEqual` needs equal lengths, and the length of a key is a secret as well. */
async function isKey(given: ArrayBuffer, key: string | undefined): Promise<boolean> {
  if (key === undefined || key === "") return false;
  const known = digests.get(key) ?? sha256(key);
  digests.set(key, known);
  return crypto.subtle.timingSafeEqual(given, await known);
}

const sha256 = (text: string): Promise<ArrayBuffer> =>
  crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
