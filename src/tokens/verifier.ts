import { decodeProtectedHeader, errors, jwtVerify, type JWTVerifyGetKey, type JWTVerifyOptions } from "jose";
import { logWarning } from "../platform/logger.ts";
import { createAccept } from "./accept-hmac.ts";
import type { ConnectionClaims, SubscriptionClaims } from "./claims.ts";
import { remoteKeys } from "./jwks.ts";
import { createKeys, isAlgorithm, KEY_KINDS, type TokenSettings } from "./keys.ts";
import { parseConnectionClaims, parseSubscriptionClaims, type ParsedClaims } from "./parse-claims.ts";

/**
 * Whether a token is valid, and its claims.
 *
 * `unavailable`: the keys could not be fetched, so the token may be valid. `detail` is for the log only: a client gets a
 * code.
 */
export type Verdict<Claims> =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly reason: "expired" | "invalid" | "unavailable"; readonly detail: string };

/** Verifies tokens. MUST NOT reject. */
export type Verifier = {
  connection(token: string): Promise<Verdict<ConnectionClaims>>;
  subscription(token: string): Promise<Verdict<SubscriptionClaims>>;
};

/** A longer token is refused before it is parsed. */
export const MAX_TOKEN_LENGTH = 16_384;

/**
 * A verifier for the configured keys: an HMAC secret, public keys (PEM, SPKI) and the address of a JWKS (SPEC AU1).
 *
 * The token's `alg` selects one of the configured keys. It never decides how a key is read, so a public key cannot
 * serve as an HMAC secret. A token with a `kid` goes to the JWKS, if one is configured (jwks.ts). A token that the
 * HMAC secret in use has not signed may be signed with the previous one (SPEC AU11).
 */
export function createVerifier(settings: TokenSettings): Verifier {
  const { tokens } = settings;
  const keys = createKeys(settings);
  const jwks = tokens.jwksUrl === undefined ? undefined : remoteKeys(tokens.jwksUrl);
  const options: JWTVerifyOptions = {
    algorithms: Object.keys(KEY_KINDS),
    ...(tokens.audience === undefined ? {} : { audience: tokens.audience }),
    ...(tokens.issuer === undefined ? {} : { issuer: tokens.issuer }),
  };

  // jose reads the token's header once, and refuses an algorithm that is not in `options`.
  const keyOf =
    (nth: number): JWTVerifyGetKey =>
    async (header, token) => {
      const { alg, kid } = header;
      if (!isAlgorithm(alg)) throw new errors.JOSEAlgNotAllowed(`algorithm ${String(alg)}`);
      const kind = KEY_KINDS[alg];
      if (jwks !== undefined && kind !== "hmac" && (kid !== undefined || keys[kind].length === 0)) {
        return jwks(header, token);
      }
      const key = await keys[kind][nth]?.(alg);
      if (key === undefined) throw new errors.JOSEAlgNotAllowed(`no key for ${alg}`);
      return key;
    };
  const inUse = keyOf(0);
  const previous = keys.hmac.length > 1 ? keyOf(1) : undefined;

  // An audience or an issuer is one more check, which jose makes.
  const isPlain = tokens.audience === undefined && tokens.issuer === undefined;
  const [hmac] = isPlain ? keys.hmac : [];
  const accept = hmac === undefined ? undefined : createAccept(hmac);

  const verify = async (token: string): Promise<unknown> => {
    if (token.length > MAX_TOKEN_LENGTH) throw new errors.JWTInvalid("too long");
    const claims = await accept?.(token, Date.now());
    if (claims !== undefined) return claims;
    try {
      return (await jwtVerify(token, inUse, options)).payload;
    } catch (error) {
      if (previous === undefined || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      // The signature was checked, so the header can be read.
      if (!decodeProtectedHeader(token).alg?.startsWith("HS")) throw error;
      return (await jwtVerify(token, previous, options)).payload;
    }
  };

  const read = async <Claims>(
    token: string,
    parse: (payload: unknown, userIdClaim: string) => ParsedClaims<Claims>,
  ): Promise<Verdict<Claims>> => {
    let verdict: Verdict<Claims>;
    try {
      const parsed = parse(await verify(token), tokens.userIdClaim);
      verdict = parsed.ok ? parsed : { ok: false, reason: "invalid", detail: parsed.detail };
    } catch (error) {
      verdict = { ok: false, reason: reasonOf(error), detail: String(error) };
    }
    if (!verdict.ok) logWarning("a token was refused", { reason: verdict.reason, detail: verdict.detail });
    return verdict;
  };
  return {
    connection: async (token) => refuseEnded(await read(token, parseConnectionClaims), Date.now()),
    subscription: (token) => read(token, parseSubscriptionClaims),
  };
}

/** `expire_at` may be in the past, although the token itself is valid. */
function refuseEnded(verdict: Verdict<ConnectionClaims>, now: number): Verdict<ConnectionClaims> {
  if (!verdict.ok || verdict.claims.expiresAt === undefined || verdict.claims.expiresAt * 1000 > now)
    return verdict;
  return { ok: false, reason: "expired", detail: "expire_at is in the past" };
}

function reasonOf(error: unknown): "expired" | "invalid" | "unavailable" {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return "unavailable";
  // A failure on the way to the JWKS is no error of jose, or jose's generic error ("Expected 200 OK").
  return error instanceof errors.JOSEError && error.code !== "ERR_JOSE_GENERIC" ? "invalid" : "unavailable";
}
