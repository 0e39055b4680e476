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
  const [digest, keys] = await Promise.all([sha256(given), digestsOf(request.env)]);
  // All keys are always compared, so that the time does not show which one is similar.
  const found = keys.filter((key) => crypto.subtle.timingSafeEqual(digest, key.digest));
  return found[0]?.holder ?? NOBODY;
}

const FULL: Holder = { access: "full", name: undefined };
const READER: Holder = { access: "read", name: undefined };
const NOBODY: Holder = { access: "none", name: undefined };

type Key = { readonly holder: Holder; readonly key: string };
const keysKnown = new WeakMap<object, readonly Key[]>();

/** The keys of a deployment, those with full access first; read once for each isolate. */
function keysOf(env: RingcastEnv): readonly Key[] {
  const known = keysKnown.get(env) ?? readKeys(env);
  keysKnown.set(env, known);
  return known;
}

type Digest = { readonly holder: Holder; readonly digest: ArrayBuffer };

const digestsKnown = new WeakMap<object, readonly Digest[]>();

/**
 * The digests of the keys; made once for each isolate. They are compared, because `timingSafeEqual` needs equal lengths,
 * and the length of a key is a secret as well.
 */
async function digestsOf(env: RingcastEnv): Promise<readonly Digest[]> {
  const known = digestsKnown.get(env);
  if (known !== undefined) return known;
  const made = await Promise.all(
    keysOf(env).map(async ({ holder, key }) => ({ holder, digest: await sha256(key) })),
  );
  digestsKnown.set(env, made);
  return made;
}

/** An empty key opens nothing. */
function readKeys(env: RingcastEnv): Key[] {
  const { API_KEY, API_KEY_PREVIOUS, READ_KEY, READ_KEY_PREVIOUS } = env;
  const own = Object.entries<unknown>({ ...env }).flatMap(([secret, key]) => {
    const name = operatorOfSecret(secret);
    return name === undefined || typeof key !== "string"
      ? []
      : [{ holder: { access: "full" as const, name }, key }];
  });
  const all = [
    ...[API_KEY, API_KEY_PREVIOUS].map((key) => ({ holder: FULL, key })),
    ...own,
    ...[READ_KEY, READ_KEY_PREVIOUS].map((key) => ({ holder: READER, key })),
  ];
  return all.flatMap(({ holder, key }) => (key === undefined || key === "" ? [] : [{ holder, key }]));
}

/** Throws `ConfigError` in a deployment that no key can open (SPEC PK5). */
export function requireKeys(env: RingcastEnv): void {
  if (keysOf(env).length > 0) return;
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

const sha256 = (text: string): Promise<ArrayBuffer> =>
  crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
