import type { Context } from "hono";
import { ConfigError } from "../config/config.ts";
import { operatorOfSecret } from "../config/secrets.ts";
import { prefixOf } from "../platform/bindings.ts";

/** The access that an API key gives (SPEC AU4). */
export type Access = "full" | "read" | "none";

type Holder = {
  readonly access: Access;
  /** The name of a key of somebody's own (SPEC OP20); undefined for the keys that are shared. */
  readonly name: string | undefined;
};

/**
 * The access that the key of a request gives: full with `API_KEY` and with each `OPERATOR_KEY_<NAME>`, reading with
 * `READ_KEY`, and so with the previous value of either (SPEC AU11). `otherwise` is a key that did not come in a header.
 * In a deployment without keys no request has access.
 */
export const accessOf = async <Env extends { Bindings: RingcastEnv }>(
  request: Context<Env>,
  otherwise?: string,
): Promise<Access> => (await holderOf(request, otherwise)).access;

/**
 * The author of a change, for the record (SPEC OP20): the name of the key, or `operator` for the shared one, and in
 * brackets the name that the request gives itself, which proves nothing.
 */
export async function authorOf<Env extends { Bindings: RingcastEnv }>(
  request: Context<Env>,
): Promise<string> {
  const { name = "operator" } = await holderOf(request);
  const means = request.req.header("x-ringcast-by") ?? "";
  return (means === "" ? name : `${name} (${means})`).slice(0, MAX_AUTHOR);
}

const MAX_AUTHOR = 100;

async function holderOf<Env extends { Bindings: RingcastEnv }>(
  request: Context<Env>,
  otherwise?: string,
): Promise<Holder> {
  const given = keyIn(request) ?? otherwise;
  if (given === undefined) return NOBODY;
  const digest = await sha256(given);
  // All keys are always compared, so that the time does not show which one is similar.
  const known = await Promise.all(
    keysOf(request.env).map(async ({ key, ...holder }) => ((await isKey(digest, key)) ? holder : undefined)),
  );
  return known.find((holder) => holder !== undefined) ?? NOBODY;
}

const NOBODY: Holder = { access: "none", name: undefined };

type Key = Holder & { readonly key: string | undefined };

const keysKnown = new WeakMap<object, readonly Key[]>();

/** The keys of a deployment, those with full access first; read once for each isolate. */
function keysOf(env: RingcastEnv): readonly Key[] {
  const known = keysKnown.get(env) ?? readKeys(env);
  keysKnown.set(env, known);
  return known;
}

function readKeys(env: RingcastEnv): readonly Key[] {
  const { API_KEY, API_KEY_PREVIOUS, READ_KEY, READ_KEY_PREVIOUS } = env;
  const own = Object.entries<unknown>({ ...env }).flatMap(([secret, key]) => {
    const name = operatorOfSecret(secret);
    return name === undefined || typeof key !== "string" ? [] : [{ access: "full" as const, name, key }];
  });
  return [
    ...[API_KEY, API_KEY_PREVIOUS].map((key) => ({ access: "full" as const, name: undefined, key })),
    ...own,
    ...[READ_KEY, READ_KEY_PREVIOUS].map((key) => ({ access: "read" as const, name: undefined, key })),
  ];
}

/** Throws `ConfigError` in a deployment that no key can open (SPEC PK5). */
export function requireKeys(env: RingcastEnv): void {
  if (keysOf(env).some(({ key }) => key !== undefined && key !== "")) return;
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
