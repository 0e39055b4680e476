import { base64url } from "jose";
import { isAlgorithm, KEY_KINDS, type Algorithm, type KeySource } from "./keys.ts";

/** Headers that have been read. Nearly all tokens of an application have the same one. */
const HEADERS_MAX = 64;
const HEADER_LENGTH_MAX = 256;
/** A header with any other field may mean more than these checks know, for example `crit`. */
const PLAIN_FIELDS = new Set(["alg", "typ", "kid"]);

/** Whether a token is certainly valid: its claims, or undefined where jose has to judge. MUST NOT reject. */
export type Accept = (token: string, now: number) => Promise<unknown>;

/**
 * Accepts a plain token that an HMAC key has signed, with a third of the work that jose needs, since each connect of a
 * client has one. It accepts nothing that jose refuses, and refuses nothing: every other token is jose's (SPEC AU1).
 */
export function createAccept(keyFor: KeySource): Accept {
  const text = new TextEncoder();
  const headers = new Map<string, Algorithm | undefined>();
  const algorithmOf = (header: string): Algorithm | undefined => {
    if (headers.has(header)) return headers.get(header);
    if (header.length > HEADER_LENGTH_MAX) return undefined;
    if (headers.size >= HEADERS_MAX) headers.clear();
    const alg = readHeader(header);
    headers.set(header, alg);
    return alg;
  };
  return async (token, now) => {
    const [header = "", payload = "", signature, ...more] = token.split(".");
    if (signature === undefined || more.length > 0) return undefined;
    const alg = algorithmOf(header);
    if (alg === undefined) return undefined;
    try {
      const signed = text.encode(token.slice(0, header.length + 1 + payload.length));
      const key = await keyFor(alg);
      if (!(await crypto.subtle.verify("HMAC", key, base64url.decode(signature), signed))) return undefined;
      const claims = readObject(payload);
      return claims !== undefined && holdsNow(claims, Math.floor(now / 1_000)) ? claims : undefined;
    } catch {
      return undefined;
    }
  };
}

function readHeader(header: string): Algorithm | undefined {
  try {
    const fields = readObject(header);
    const { alg } = fields ?? {};
    if (fields === undefined || !isAlgorithm(alg) || KEY_KINDS[alg] !== "hmac") return undefined;
    return Object.keys(fields).every((name) => PLAIN_FIELDS.has(name)) ? alg : undefined;
  } catch {
    return undefined;
  }
}

const utf8 = new TextDecoder();

/** Throws where a part is no base64url of JSON. */
function readObject(part: string): Record<string, unknown> | undefined {
  const value: unknown = JSON.parse(utf8.decode(base64url.decode(part)));
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** `now` in whole seconds since 1970, as jose counts. */
function holdsNow({ exp, nbf, iat }: Record<string, unknown>, now: number): boolean {
  if (iat !== undefined && typeof iat !== "number") return false;
  if (nbf !== undefined && !(typeof nbf === "number" && nbf <= now)) return false;
  return exp === undefined || (typeof exp === "number" && exp > now);
}
