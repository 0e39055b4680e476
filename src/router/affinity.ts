import { getCookie } from "hono/cookie";
import type { Context } from "hono";
import type { ClusterConfig } from "../config/cluster.ts";
import type { Verifier } from "../tokens/verifier.ts";

export type Affinity =
  | { readonly ok: true; readonly key: string; readonly token?: string }
  | { readonly ok: false; readonly message: string };

/**
 * The key that places a connection: that of the first source in `affinity.order` which the request has, else a random
 * key. A key never identifies a user (SPEC AU7).
 *
 * A token in the upgrade (query `token`, cookie `ringcast_token` or a bearer header) also becomes the connection's token,
 * and only a valid token gives a key. `user` is the user that the `authenticate` hook has named, in place of a token.
 */
export async function readAffinity(
  request: Context,
  settings: { readonly cluster: ClusterConfig; readonly verifier: Verifier },
  user: string | undefined,
): Promise<Affinity> {
  const { affinity, limits } = settings.cluster;
  const token = readToken(request);
  // Hono's readers hide a part of the URL that cannot be decoded. Such a key MUST be refused, so the URL itself is read.
  const url = new URL(request.req.url);
  const sources = {
    key: async () => url.searchParams.get("key") ?? undefined,
    token: async () => {
      if (user !== undefined) return user === "" ? undefined : user;
      const verdict = token === undefined ? undefined : await settings.verifier.connection(token);
      return verdict?.ok === true && verdict.claims.user !== "" ? verdict.claims.user : undefined;
    },
    path: async () => (request.req.param("key") === undefined ? undefined : decodeLast(url.pathname)),
    cookie: async () => getCookie(request, affinity.cookie),
    ip: async () => request.req.header("cf-connecting-ip"),
  };
  const withToken = token === undefined ? {} : { token };
  for (const source of affinity.order) {
    const key = await sources[source]();
    if (key === undefined) continue;
    const problem = checkKey(key, limits.keyBytes);
    if (problem !== undefined) return { ok: false, message: `the affinity key (${source}) ${problem}` };
    return { ok: true, key, ...withToken };
  }
  return { ok: true, key: crypto.randomUUID(), ...withToken };
}

function readToken(request: Context): string | undefined {
  const bearer = /^bearer (.+)$/i.exec(request.req.header("authorization") ?? "")?.[1];
  const token = request.req.query("token") ?? getCookie(request, "ringcast_token") ?? bearer;
  return token === "" ? undefined : token;
}

/** The last part of a path, decoded; the replacement character where the part is not UTF-8. */
function decodeLast(path: string): string {
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
  } catch {
    return "\uFFFD";
  }
}

/** The problem of a key, as the end of a sentence that begins with the key's name; undefined for a good key. */
function checkKey(key: string, maxBytes: number): string | undefined {
  if (key === "") return "is empty";
  if (new TextEncoder().encode(key).byteLength > maxBytes) return `is longer than ${maxBytes} bytes`;
  // Control characters, and the replacement character, to which broken UTF-8 decodes.
  if (/[\p{Cc}\uFFFD]/u.test(key) || !key.isWellFormed()) return "is not readable text";
  return undefined;
}
