import { base64url, jwtVerify, SignJWT, type JWTPayload } from "jose";
import { parseConnectionClaims, parseSubscriptionClaims, type ParsedClaims } from "./claims.ts";
import type { Verdict, Verifier } from "./verifier.ts";

const KEY_ID = "ringcast-operator";
/** Says that the operator's API has made a token; the signature proves it. */
const HEADER = { alg: "HS256", kid: KEY_ID } as const;
const BEGINNING = `${base64url.encode(JSON.stringify(HEADER))}.`;

/**
 * A token that this deployment's own operator's API hands out, signed with a key that follows from `API_KEY`: no
 * secret is to be configured for it, and a new API key ends all of them.
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

/** A verifier that also takes the operator's tokens; what they claim is then marked with `operator`. */
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

/** Made here alone, so that its header is always the same text; no other token is read twice for it. */
const isOurs = (token: string): boolean => token.startsWith(BEGINNING);

/** HMAC of a name under the API key: whoever sees a token, or guesses at it, learns nothing of the key itself. */
async function derive(apiKey: string): Promise<Uint8Array> {
  const text = new TextEncoder();
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", text.encode(apiKey), hmac, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, text.encode(KEY_ID)));
}
