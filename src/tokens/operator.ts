import { base64url, jwtVerify, SignJWT, type JWTPayload } from "jose";
import { parseConnectionClaims, parseSubscriptionClaims, type ParsedClaims } from "./parse-claims.ts";
import type { Verdict, Verifier } from "./verifier.ts";

const KEY_ID = "ringcast-operator";
/** Marks a token of the operator's API. The signature proves the mark. */
const HEADER = { alg: "HS256", kid: KEY_ID } as const;
const BEGINNING = `${base64url.encode(JSON.stringify(HEADER))}.`;

/**
 * Signs a token of the operator's API with a key that is derived from `API_KEY`. So it needs no secret of its own, and a
 * new API key makes all earlier tokens invalid. `expiresAtMs` is in ms since 1970.
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

/** A verifier that also takes the operator's tokens, and sets `operator` in their claims (SPEC OP1). */
export function acceptOperator(verifier: Verifier, apiKey: string | undefined): Verifier {
  if (apiKey === undefined || apiKey === "") return verifier;
  let key: Promise<Uint8Array> | undefined;
  const read = async <Claims>(
    token: string,
    parse: (payload: unknown) => ParsedClaims<Claims>,
  ): Promise<Verdict<Claims>> => {
    try {
      key ??= derive(apiKey);
      const parsed = parse((await jwtVerify(token, await key, { algorithms: ["HS256"] })).payload);
      return parsed.ok ? parsed : { ok: false, reason: "invalid", detail: parsed.detail };
    } catch (error) {
      const expired = error instanceof Error && "code" in error && error.code === "ERR_JWT_EXPIRED";
      return { ok: false, reason: expired ? "expired" : "invalid", detail: String(error) };
    }
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
