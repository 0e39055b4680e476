import { SignJWT } from "jose";
import type { Config } from "../config/config.ts";
import { missingNamespace, namespaceOf, parseChannel } from "../policy/channels.ts";
import { fail } from "../router/api/answer.ts";
import { parseConnectionClaims, parseSubscriptionClaims, type ParsedClaims } from "../tokens/parse-claims.ts";
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
): Promise<Answer<Token>> => sign(deployment, { ...claims, user }, parseConnectionClaims);

/** Signs a subscription token that this deployment accepts (SPEC PK4). */
export function signSubscription(
  deployment: Deployment,
  { user, channel }: { readonly user: string; readonly channel: string },
  claims: SubscriptionTokenClaims = {},
): Promise<Answer<Token>> {
  const { config } = deployment;
  const parsed = parseChannel(channel, config.cluster.limits.channelBytes);
  if (!parsed.ok) return Promise.resolve(fail("badRequest", "the channel's name is not valid"));
  if (namespaceOf(config, parsed.channel) === undefined)
    return Promise.resolve(fail("unknownChannel", missingNamespace(config, parsed.channel)));
  return sign(deployment, { ...claims, user, channel }, parseSubscriptionClaims);
}

async function sign(
  { env, config }: Deployment,
  { user, ...claims }: Expiry & { readonly user: string } & Readonly<Record<string, unknown>>,
  parse: (payload: unknown, userIdClaim: string) => ParsedClaims<unknown>,
): Promise<Answer<Token>> {
  const secret = env.TOKEN_HMAC_SECRET;
  if (secret === undefined || secret === "")
    return fail("notAvailable", "tokens are signed with the secret TOKEN_HMAC_SECRET, which is not set");
  const { userIdClaim, audience, issuer } = config.cluster.tokens;
  const now = Math.floor(Date.now() / 1_000);
  const { exp = now + DEFAULT_LIFETIME_S } = claims;
  const payload = { ...claims, [userIdClaim]: user, exp };
  const parsed = parse(payload, userIdClaim);
  if (!parsed.ok) return fail("badRequest", parsed.detail);
  if (exp <= now) return fail("badRequest", "exp: the token has ended already");
  const token = new SignJWT(payload).setProtectedHeader({ alg: "HS256" }).setIssuedAt(now);
  if (audience !== undefined) token.setAudience(audience);
  if (issuer !== undefined) token.setIssuer(issuer);
  return { result: { token: await token.sign(new TextEncoder().encode(secret)), expires_at: exp } };
}
