import {
  createRemoteJWKSet,
  errors,
  importSPKI,
  jwtVerify,
  type CryptoKey,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from "jose";
import type { ClusterConfig } from "../config/cluster.ts";
import {
  parseConnectionClaims,
  parseSubscriptionClaims,
  type ConnectionClaims,
  type ParsedClaims,
  type SubscriptionClaims,
} from "./claims.ts";

/** `detail` is for our log alone; `unavailable`: the keys could not be fetched, so nothing is known of the token. */
export type Verdict<Claims> =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly reason: "expired" | "invalid" | "unavailable"; readonly detail: string };

/** Tells whether a token is ours, and what it says. Never rejects. */
export type Verifier = {
  connection(token: string): Promise<Verdict<ConnectionClaims>>;
  subscription(token: string): Promise<Verdict<SubscriptionClaims>>;
};

type TokenSettings = ClusterConfig["tokens"];

/** A family of algorithms and the one kind of key that it goes with: a key of another kind is never tried. */
const FAMILIES = {
  HS256: "hmac",
  HS384: "hmac",
  HS512: "hmac",
  RS256: "rsa",
  RS384: "rsa",
  RS512: "rsa",
  ES256: "ecdsa",
  ES384: "ecdsa",
  ES512: "ecdsa",
  EdDSA: "ed25519",
  Ed25519: "ed25519",
} as const;
type Algorithm = keyof typeof FAMILIES;

const isAlgorithm = (name: unknown): name is Algorithm =>
  typeof name === "string" && Object.hasOwn(FAMILIES, name);

/** Longer than any token that a client may send in a frame; spares the parser. */
const MAX_TOKEN_LENGTH = 16_384;

/**
 * A verifier for the configured keys: an HMAC secret, public keys (PEM, SPKI) and a JWKS address, any of them.
 *
 * The token's `alg` chooses among the configured keys and never how a key is read, so a public key cannot be passed
 * off as an HMAC secret. A token with a `kid` goes to the JWKS, if there is one (kept by jose, with its cool-down).
 */
export function createVerifier(settings: {
  readonly tokens: TokenSettings;
  readonly hmacSecret: string | undefined;
}): Verifier {
  const { tokens, hmacSecret } = settings;
  const keys = createKeys(tokens, hmacSecret);
  const jwks = tokens.jwksUrl === undefined ? undefined : createRemoteJWKSet(new URL(tokens.jwksUrl));
  const options: JWTVerifyOptions = {
    algorithms: Object.keys(FAMILIES),
    ...(tokens.audience === undefined ? {} : { audience: tokens.audience }),
    ...(tokens.issuer === undefined ? {} : { issuer: tokens.issuer }),
  };

  // The token's header is read once, by jose, which refuses what is in no family.
  const keyOf: JWTVerifyGetKey = async (header, token) => {
    const { alg, kid } = header;
    if (!isAlgorithm(alg)) throw new errors.JOSEAlgNotAllowed(`algorithm ${String(alg)}`);
    const family = FAMILIES[alg];
    if (jwks !== undefined && family !== "hmac" && (kid !== undefined || keys[family] === undefined)) {
      return jwks(header, token);
    }
    const key = await keys[family]?.(alg);
    if (key === undefined) throw new errors.JOSEAlgNotAllowed(`no key for ${alg}`);
    return key;
  };

  const verify = async (token: string): Promise<unknown> => {
    if (token.length > MAX_TOKEN_LENGTH) throw new errors.JWTInvalid("too long");
    return (await jwtVerify(token, keyOf, options)).payload;
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
    // The client hears a code; why, is said here alone.
    if (!verdict.ok) console.warn(`a token is ${verdict.reason}: ${verdict.detail}`);
    return verdict;
  };
  return {
    connection: (token) => read(token, parseConnectionClaims),
    subscription: (token) => read(token, parseSubscriptionClaims),
  };
}

type KeySource = (alg: Algorithm) => Promise<CryptoKey>;

function createKeys(tokens: TokenSettings, hmacSecret: string | undefined) {
  return {
    hmac: hmacSecret === undefined || hmacSecret === "" ? undefined : fromSecret(hmacSecret),
    rsa: fromPem(tokens.rsaPublicKey),
    ecdsa: fromPem(tokens.ecdsaPublicKey),
    ed25519: fromPem(tokens.ed25519PublicKey),
  } satisfies Record<(typeof FAMILIES)[Algorithm], KeySource | undefined>;
}

/** As a key rather than as bytes, which jose would import anew for each token. */
function fromSecret(secret: string): KeySource {
  const bytes = new TextEncoder().encode(secret);
  return importedOnce((alg) => {
    const hash = `SHA-${alg.slice(2)}`;
    return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash }, false, ["verify"]);
  });
}

function fromPem(pem: string | undefined): KeySource | undefined {
  if (pem === undefined) return undefined;
  return importedOnce((alg) =>
    // A P-256 key and an ES384 token, say: this key cannot have signed it.
    importSPKI(pem, alg).catch((error: unknown) => {
      throw new errors.JOSEAlgNotAllowed(`the key does not serve ${alg}: ${String(error)}`);
    }),
  );
}

/** A key is imported at its first use, once for each algorithm, as WebCrypto binds the two. */
function importedOnce(importFor: KeySource): KeySource {
  const imported = new Map<Algorithm, Promise<CryptoKey>>();
  return (alg) => {
    const key = imported.get(alg) ?? importFor(alg);
    imported.set(alg, key);
    return key;
  };
}

function reasonOf(error: unknown): "expired" | "invalid" | "unavailable" {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return "unavailable";
  // What goes wrong on the way to the JWKS is no JOSE error, or the generic one ("Expected 200 OK").
  return error instanceof errors.JOSEError && error.code !== "ERR_JOSE_GENERIC" ? "invalid" : "unavailable";
}
