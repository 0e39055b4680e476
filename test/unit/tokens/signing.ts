import { SignJWT, type CryptoKey, type JWTPayload } from "jose";
import { parseConfig } from "../../../src/config/config.ts";
import { createVerifier } from "../../../src/tokens/verifier.ts";

export const SECRET = "a-secret-of-at-least-32-bytes-for-hmac!!";
export const bytes = (text: string) => new TextEncoder().encode(text);
export const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

export const sign = (
  claims: JWTPayload,
  alg = "HS256",
  key: CryptoKey | Uint8Array = bytes(SECRET),
  kid?: string,
) => new SignJWT(claims).setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) }).sign(key);

export const verifierWith = (tokens: Record<string, unknown> = {}, hmacSecret: string | undefined = SECRET) =>
  createVerifier({ tokens: parseConfig({ RINGCAST: { tokens } }).cluster.tokens, hmacSecrets: [hmacSecret] });
