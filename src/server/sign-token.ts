import { SignJWT, type JWTPayload } from "jose";
import type { Config } from "../config/config.ts";
import { missingNamespace, namespaceOf, parseChannel } from "../policy/channels.ts";
import { fail, type Failure } from "../router/api/answer.ts";
import { readValue } from "../router/api/payload.ts";
import type { ConnectionClaims } from "../tokens/claims.ts";
import { parseConnectionClaims, parseSubscriptionClaims, type ParsedClaims } from "../tokens/parse-claims.ts";
import { MAX_TOKEN_LENGTH } from "../tokens/verifier.ts";
import type {
  Answer,
  ConnectionTokenClaims,
  Expiry,
  SubscriptionTokenClaims,
  Token,
} from "./server-types.ts";

type Deployment = { readonly env: RingcastEnv; readonly config: Config };

const DEFAULT_LIFETIME_S = 3_600;

/** Signs a connection token that this deployment accepts (SPEC PK4). */
export const signConnection = (
  deployment: Deployment,
  user: string,
  claims: ConnectionTokenClaims = {},
): Promise<Answer<Token>> =>
  sign(deployment, { ...claims, user }, { parse: parseConnectionClaims, check: checkChannels });

/** Signs a subscription token that this deployment accepts (SPEC PK4). */
export function signSubscription(
  deployment: Deployment,
  { user, channel }: { readonly user: string; readonly channel: string },
  claims: SubscriptionTokenClaims = {},
): Promise<Answer<Token>> {
  const claimed = { ...claims, user, channel };
  return sign(deployment, claimed, {
    parse: parseSubscriptionClaims,
    check: (config, parsed) => checkChannel(config, parsed.channel),
  });
}

function checkChannel(config: Config, name: string): Failure | undefined {
  const parsed = parseChannel(name, config.cluster.limits.channelBytes);
  if (!parsed.ok) return fail("badRequest", "the channel's name is not valid");
  return namespaceOf(config, parsed.channel) === undefined
    ? fail("unknownChannel", missingNamespace(config, parsed.channel))
    : undefined;
}

/** A client is let in to all of its token's channels, or not at all. */
function checkChannels(config: Config, { channels, subs }: ConnectionClaims): Failure | undefined {
  const names = new Set([...channels, ...Object.keys(subs)]);
  const { channelsPerClient } = config.cluster.limits;
  if (names.size > channelsPerClient)
    return fail("badRequest", `channels: a client has at most ${channelsPerClient}`);
  for (const name of names) {
    const failure = checkChannel(config, name);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

async function sign<Claims extends { readonly expiresAt?: number }>(
  { env, config }: Deployment,
  { user, ...claims }: Expiry & { readonly user: string } & Readonly<Record<string, unknown>>,
  by: {
    readonly parse: (payload: unknown, userIdClaim: string) => ParsedClaims<Claims>;
    readonly check: (config: Config, claims: Claims) => Failure | undefined;
  },
): Promise<Answer<Token>> {
  const secret = env.TOKEN_HMAC_SECRET;
  if (secret === undefined || secret === "")
    return fail("notAvailable", "tokens are signed with the secret TOKEN_HMAC_SECRET, which is not set");
  const { userIdClaim, audience, issuer } = config.cluster.tokens;
  const now = Math.floor(Date.now() / 1_000);
  const { exp = now + DEFAULT_LIFETIME_S } = claims;
  const values: [name: string, value: unknown][] = [];
  for (const [name, claim] of Object.entries({ ...claims, [userIdClaim]: user, exp })) {
    const json = readValue(name, claim);
    if (!json.ok) return fail("badRequest", json.reason);
    values.push([name, json.value]);
  }
  const payload: JWTPayload = Object.fromEntries(values);
  const parsed = by.parse(payload, userIdClaim);
  if (!parsed.ok) return fail("badRequest", parsed.detail);
  if (exp <= now) return fail("badRequest", "exp: the token has ended already");
  if (parsed.claims.expiresAt !== undefined && parsed.claims.expiresAt <= now)
    return fail("badRequest", "expire_at: the time has passed already");
  const failure = by.check(config, parsed.claims);
  if (failure !== undefined) return failure;
  const jwt = new SignJWT(payload).setProtectedHeader({ alg: "HS256" }).setIssuedAt(now);
  if (audience !== undefined) jwt.setAudience(audience);
  if (issuer !== undefined) jwt.setIssuer(issuer);
  const token = await jwt.sign(new TextEncoder().encode(secret));
  if (token.length > MAX_TOKEN_LENGTH)
    return fail("badRequest", `a token has at most ${MAX_TOKEN_LENGTH} characters`);
  return { result: { token, expires_at: exp } };
}
