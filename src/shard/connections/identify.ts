import type { ClusterConfig } from "../../config/cluster.ts";
import type { Close, ReplyError } from "../../contracts/refusal.ts";
import type { RouteIdentity } from "../../contracts/route.ts";
import type { ConnectionClaims } from "../../tokens/claims.ts";
import type { Verifier } from "../../tokens/verifier.ts";
import type { Opening } from "./session.ts";

/**
 * The identity of a connection, or why it has none. `unavailable`: the keys could not be fetched, so the token may be
 * good. `foreignKey`: the user is another than the key that placed the connection (`affinity.userIsKey`).
 */
export type Identity =
  | { readonly kind: "known"; readonly claims: ConnectionClaims }
  | {
      readonly kind: "refused";
      readonly why: "noToken" | "invalidToken" | "tokenExpired" | "unavailable" | "foreignKey";
      /** What is wrong with the token; not for clients of a deployment. */
      readonly detail?: string;
    }
  /** The deployment's `authenticate` has refused. */
  | { readonly kind: "error"; readonly error: ReplyError }
  | { readonly kind: "disconnect"; readonly close: Close };

const ANONYMOUS: ConnectionClaims = { user: "", channels: [], subs: {} };

/** An operator's page has no user, wherever its key places it; its simulated clients are users like others. */
export const isOperator = ({ operator, user }: ConnectionClaims): boolean => operator === true && user === "";

/**
 * Finds the identity of a connection: what the deployment's `authenticate` has said, else the token of the first frame,
 * else the token of the upgrade (SPEC AU1, HK3).
 */
export async function identify(
  opening: Opening,
  sentToken: string | undefined,
  by: { readonly cluster: ClusterConfig; readonly verifier: Verifier },
): Promise<Identity> {
  const { anonymous, insecure, affinity } = by.cluster;
  const sent = sentToken === "" ? undefined : sentToken;
  const token = sent ?? opening.token;
  const identity = isReplaced(opening.identity, sent) ? undefined : opening.identity;
  let claims = ANONYMOUS;
  if (identity !== undefined) {
    // The operator's page is none of the users that the hook knows.
    const shown = token === undefined ? undefined : await by.verifier.connection(token);
    if (shown?.ok === true && shown.claims.operator === true) claims = shown.claims;
    else if (identity.kind === "user") claims = claimsOf(identity);
    else return identity;
  } else if (token !== undefined) {
    const verdict = await by.verifier.connection(token);
    if (!verdict.ok) return { kind: "refused", why: REFUSED[verdict.reason], detail: verdict.detail };
    claims = verdict.claims;
  } else if (!anonymous && !insecure) {
    return { kind: "refused", why: "noToken" };
  }
  // Also an identity of `authenticate` may be one of the past.
  if (claims.expiresAt !== undefined && claims.expiresAt * 1000 <= Date.now())
    return { kind: "refused", why: "tokenExpired" };
  if (affinity.userIsKey && !isOperator(claims) && claims.user !== opening.key)
    return { kind: "refused", why: "foreignKey" };
  return { kind: "known", claims };
}

/** A token in the first frame takes the place of a token in the upgrade. */
const isReplaced = (identity: RouteIdentity | undefined, sent: string | undefined): boolean =>
  sent !== undefined && identity !== undefined && identity.kind !== "user" && identity.ofToken === true;

const REFUSED = {
  expired: "tokenExpired",
  invalid: "invalidToken",
  unavailable: "unavailable",
} as const;

/** The identity that `authenticate` has found, in the form of a token's claims, which tell seconds. */
const claimsOf = ({ user, info, expiresAt }: Extract<RouteIdentity, { kind: "user" }>): ConnectionClaims => ({
  ...ANONYMOUS,
  user,
  ...(info === undefined ? {} : { info }),
  ...(expiresAt === undefined ? {} : { expiresAt: expiresAt / 1000 }),
});
