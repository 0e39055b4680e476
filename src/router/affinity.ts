import { getCookie } from "hono/cookie";
import type { Context } from "hono";
import type { ClusterConfig } from "../config/cluster.ts";

export type Affinity =
  /** `isAddress`: the key is the client's address, which other clients may share. */
  | { readonly ok: true; readonly key: string; readonly isAddress: boolean }
  | { readonly ok: false; readonly message: string };

/**
 * The key that places a connection: that of the first source in `affinity.order` which the request has, else a random
 * key. A key never identifies a user (SPEC AU7). `user` is the user that the `authenticate` hook or a valid token has named.
 */
export function readAffinity(
  request: Context,
  { affinity, limits }: Pick<ClusterConfig, "affinity" | "limits">,
  user: string | undefined,
): Affinity {
  // Hono's readers hide a part of the URL that cannot be decoded. Such a key MUST be refused, so the URL itself is read.
  const url = new URL(request.req.url);
  const sources = {
    key: () => url.searchParams.get("key") ?? undefined,
    token: () => (user === "" ? undefined : user),
    path: () => (request.req.param("key") === undefined ? undefined : decodeLast(url.pathname)),
    cookie: () => getCookie(request, affinity.cookie),
    ip: () => request.req.header("cf-connecting-ip"),
  };
  for (const source of affinity.order) {
    const key = sources[source]();
    if (key === undefined) continue;
    const problem = checkKey(key, limits.keyBytes);
    if (problem !== undefined) return { ok: false, message: `the affinity key (${source}) ${problem}` };
    return { ok: true, key, isAddress: source === "ip" };
  }
  return { ok: true, key: crypto.randomUUID(), isAddress: false };
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
  // A code unit is at most three bytes of UTF-8.
  if (key.length * 3 > maxBytes && new TextEncoder().encode(key).byteLength > maxBytes)
    return `is longer than ${maxBytes} bytes`;
  // Control characters, and the replacement character, to which broken UTF-8 decodes.
  if (/[\p{Cc}\uFFFD]/u.test(key) || !key.isWellFormed()) return "is not readable text";
  return undefined;
}
