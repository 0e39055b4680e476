import { errors, importSPKI, type CryptoKey } from "jose";
import type { ClusterConfig } from "../config/cluster.ts";

/** Each algorithm and the kind of key that it takes. A key of another kind is never tried (SPEC AU1). */
export const KEY_KINDS = {
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
export type Algorithm = keyof typeof KEY_KINDS;

export const isAlgorithm = (name: unknown): name is Algorithm =>
  typeof name === "string" && Object.hasOwn(KEY_KINDS, name);

export type TokenSettings = {
  readonly tokens: ClusterConfig["tokens"];
  /** The secret in use, and the one before it (SPEC AU11). */
  readonly hmacSecrets: readonly (string | undefined)[];
};

/** Imports a key for one algorithm. Rejects where the key cannot serve the algorithm. */
export type KeySource = (alg: Algorithm) => Promise<CryptoKey>;

/** The configured keys, by kind; of each kind, the one in use first. */
export function createKeys({ tokens, hmacSecrets }: TokenSettings) {
  return {
    hmac: hmacSecrets.flatMap((secret) => (secret === undefined || secret === "" ? [] : fromSecret(secret))),
    rsa: fromPem(tokens.rsaPublicKey),
    ecdsa: fromPem(tokens.ecdsaPublicKey),
    ed25519: fromPem(tokens.ed25519PublicKey),
  } satisfies Record<(typeof KEY_KINDS)[Algorithm], readonly KeySource[]>;
}

/** A key, and not the secret's bytes, because jose would import the bytes again for each token. */
function fromSecret(secret: string): KeySource {
  const bytes = new TextEncoder().encode(secret);
  return importedOnce((alg) => {
    const hash = `SHA-${alg.slice(2)}`;
    return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash }, false, ["verify"]);
  });
}

function fromPem(pem: string | undefined): KeySource[] {
  if (pem === undefined) return [];
  const source = importedOnce((alg) =>
    // For example a P-256 key and an ES384 token: this key cannot have signed the token.
    importSPKI(pem, alg).catch((error: unknown) => {
      throw new errors.JOSEAlgNotAllowed(`the key does not serve ${alg}: ${String(error)}`);
    }),
  );
  return [source];
}

/** Imports a key at its first use, once for each algorithm, because WebCrypto binds a key to its algorithm. */
function importedOnce(importFor: KeySource): KeySource {
  const imported = new Map<Algorithm, Promise<CryptoKey>>();
  return (alg) => {
    const key = imported.get(alg) ?? importFor(alg);
    imported.set(alg, key);
    return key;
  };
}
