import { base64url, jwtVerify, SignJWT, type JWTPayload } from "jose";
import { parseConnectionClaims, parseSubscriptionClaims, type ParsedClaims } from "./parse-claims.ts";
import type { Verdict, Verifier } from "./verifier.ts";

const KEY_ID = "ringcast-operator";
/** Marks a token of the operator's API. The signature proves the mark. */
const HEADER = { alg: "HS256", kid: KEY_ID } as const;
const BEGINNING = `${base64url.encode(JSON.stringify(HEADER))}.`;

/**
 * Signs a token of the operator's API with a key that is derived from `API_KEY`. So it needs no secret of its own, and a
 * new API key makes the tokens of an earlier one invalid, unless that is the previous key. `expiresAtMs` is in ms since 1970.
 */
export async function signForOperator(
  apiKey: string,
  claims: JWTPayload,
  expiresAtMs: number,
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader(HEADER)
    .setExpirationTime(Math.floor(expiresAtMs / 1000))
    .sign(await derive(apiKey));
}

/**
 * A verifier that also takes the operator's tokens, and sets `operator` in their claims (SPEC OP1). `apiKeys`: the key in
 * use, and the one before it (SPEC AU11).
 */
export function acceptOperator(verifier: Verifier, apiKeys: readonly (string | undefined)[]): Verifier {
  const known = apiKeys.flatMap((key) => (key === undefined || key === "" ? [] : key));
  if (known.length === 0) return verifier;
  const derived = known.map((apiKey) => {
    let key: Promise<Uint8Array> | undefined;
    return () => (key ??= derive(apiKey));
  });
  const read = async <Claims>(
    token: string,
    parse: (payload: unknown) => ParsedClaims<Claims>,
  ): Promise<Verdict<Claims>> => {
    const verdicts = await Promise.all(derived.map((key) => readWith(key(), token, parse)));
    // At most one key has signed the token, and every other key finds it invalid.
    const signed = verdicts.find((verdict) => verdict.ok || verdict.reason === "expired");
    return signed ?? { ok: false, reason: "invalid", detail: "no API key has signed the token" };
  };
  return {
    connection: (token) =>
      isOurs(token)
        ? read(token, (payload) => markOperator(parseConnectionClaims(payload, "sub")))
        : verifier.connection(token),
    subscription: (token) =>
      isOurs(token)
        ? read(token, (payload) => markOperator(parseSubscriptionClaims(payload, "sub")))
        : verifier.subscription(token),
  };
}

async function readWith<Claims>(
  key: Promise<Uint8Array>,
  token: string,
  parse: (payload: unknown) => ParsedClaims<Claims>,
): Promise<Verdict<Claims>> {
  try {
    const parsed = parse((await jwtVerify(token, await key, { algorithms: ["HS256"] })).payload);
    return parsed.ok ? parsed : { ok: false, reason: "invalid", detail: parsed.detail };
  } catch (error) {
    const expired = error instanceof Error && "code" in error && error.code === "ERR_JWT_EXPIRED";
    return { ok: false, reason: expired ? "expired" : "invalid", detail: String(error) };
  }
}

function markOperator<Claims extends object>(
  parsed: ParsedClaims<Claims>,
): ParsedClaims<Claims & { readonly operator: true }> {
  return parsed.ok ? { ok: true, claims: { ...parsed.claims, operator: true } } : parsed;
}

/** Only this file makes these tokens, so their header is always the same text. */
const isOurs = (token: string): boolean => token.startsWith(BEGINNING);

/** The HMAC of a name under the API key. A token does not help an attacker to find the API key. */
async function derive(apiKey: string): Promise<Uint8Array> {
  const text = new TextEncoder();
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", text.encode(apiKey), hmac, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, text.encode(KEY_ID)));
}
