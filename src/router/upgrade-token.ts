import { DISCONNECTS, ERRORS } from "../centrifuge/codes.ts";
import type { RouteIdentity } from "../contracts/route.ts";
import type { ConnectionClaims } from "../tokens/claims.ts";
import type { Verdict, Verifier } from "../tokens/verifier.ts";

/** A valid token is part of the socket's attachment of 16 KiB until the client connects (docs/platform.md P2). */
const MAX_TOKEN_LENGTH = 8_192;

/** The token that came with an upgrade, verified: a shard hears only of a valid one (SPEC AU9). */
export type UpgradeToken =
  | { readonly kind: "valid"; readonly token: string; readonly claims: ConnectionClaims }
  /** The client is told at its `connect`, because the answer to an upgrade reaches no client. */
  | { readonly kind: "refused"; readonly identity: RouteIdentity }
  /** No issuer makes such a token. */
  | { readonly kind: "unreadable"; readonly message: string };

export async function verifyUpgradeToken(token: string, verifier: Verifier): Promise<UpgradeToken> {
  if (token.length > MAX_TOKEN_LENGTH)
    return {
      kind: "unreadable",
      message: `a token in an upgrade has at most ${MAX_TOKEN_LENGTH} characters`,
    };
  if (!/^[\x21-\x7e]+$/.test(token)) return { kind: "unreadable", message: "the token is not readable text" };
  const verdict = await verifier.connection(token);
  if (verdict.ok) return { kind: "valid", token, claims: verdict.claims };
  return { kind: "refused", identity: { ...REFUSALS[verdict.reason], ofToken: true } };
}

const REFUSALS = {
  expired: { kind: "error", error: ERRORS.tokenExpired },
  unavailable: { kind: "error", error: ERRORS.internal },
  invalid: { kind: "disconnect", close: DISCONNECTS.invalidToken },
} as const satisfies Record<Extract<Verdict<ConnectionClaims>, { ok: false }>["reason"], RouteIdentity>;
