import * as z from "zod";
import type { ConnectionClaims, SubscriptionClaims } from "./claims.ts";
import { jsonClaim } from "./json-claim.ts";

export type ParsedClaims<Claims> =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly detail: string };

/** Seconds since 1970 that are still a whole number as ms. */
const seconds = z
  .number()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER / 1000);
const user = z
  .string()
  .max(255)
  .refine((name) => name.isWellFormed(), "a user's name is Unicode text")
  .optional();

const connectionSchema = z.object({
  exp: seconds.optional(),
  expire_at: seconds.optional(),
  info: z.unknown().optional(),
  b64info: z.string().optional(),
  channels: z.array(z.string()).optional(),
  subs: z
    .record(
      z.string(),
      z
        .object({
          info: z.unknown().optional(),
          b64info: z.string().optional(),
          data: z.unknown().optional(),
          b64data: z.string().optional(),
        })
        .nullable(),
    )
    .optional(),
  // Only a subscription token has a channel, so the server takes neither token for the other (docs/protocol.md C36).
  channel: z.never("a connection token has no channel").optional(),
});

const subscriptionSchema = z.object({
  exp: seconds.optional(),
  expire_at: seconds.optional(),
  info: z.unknown().optional(),
  b64info: z.string().optional(),
  channel: z.string().min(1),
  client: z.string().optional(),
});

/** `userIdClaim` is the name of the claim that has the user. A token without this claim has the empty user. */
export function parseConnectionClaims(payload: unknown, userIdClaim: string): ParsedClaims<ConnectionClaims> {
  return parseWith(connectionSchema, { payload, userIdClaim }, (claims, name) => ({
    user: name,
    ...expiry(claims),
    ...optional("info", jsonClaim(claims.info, claims.b64info)),
    channels: claims.channels ?? [],
    subs: Object.fromEntries(
      Object.entries(claims.subs ?? {}).map(([channel, sub]) => [
        channel,
        {
          ...optional("info", jsonClaim(sub?.info, sub?.b64info)),
          ...optional("data", jsonClaim(sub?.data, sub?.b64data)),
        },
      ]),
    ),
  }));
}

/** `userIdClaim` as in {@link parseConnectionClaims}. */
export function parseSubscriptionClaims(
  payload: unknown,
  userIdClaim: string,
): ParsedClaims<SubscriptionClaims> {
  return parseWith(subscriptionSchema, { payload, userIdClaim }, (claims, name) => ({
    user: name,
    channel: claims.channel,
    ...optional("client", claims.client),
    ...optional("info", jsonClaim(claims.info, claims.b64info)),
    ...expiry(claims),
  }));
}

function parseWith<Schema extends z.ZodType, Claims>(
  schema: Schema,
  token: { readonly payload: unknown; readonly userIdClaim: string },
  build: (claims: z.infer<Schema>, user: string) => Claims,
): ParsedClaims<Claims> {
  const { userIdClaim } = token;
  const payload = withoutNulls(token.payload);
  const claims = schema.safeParse(payload);
  if (!claims.success) return unreadable(claims.error.issues[0]);
  // The user's claim is checked by itself. To build a schema with its name for each token costs more than all the
  // other checks together.
  const name = user.safeParse((payload as Record<string, unknown>)[userIdClaim]);
  if (!name.success) return unreadable({ path: [userIdClaim], message: name.error.issues[0]?.message ?? "" });
  try {
    return { ok: true, claims: build(claims.data, name.data ?? "") };
  } catch {
    return { ok: false, detail: "a b64 claim is not base64 of JSON" };
  }
}

/** A claim that is null is absent, as in Go. `info` is a value, and a `channel` tells the kind of a token. */
function withoutNulls(payload: unknown): unknown {
  if (typeof payload !== "object" || payload === null || !Object.values(payload).includes(null))
    return payload;
  return Object.fromEntries(
    Object.entries(payload).filter(
      ([name, value]) => value !== null || name === "info" || name === "channel",
    ),
  );
}

const unreadable = (
  issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined,
) => ({
  ok: false as const,
  detail: `${issue?.path.join(".") ?? "claims"}: ${issue?.message ?? "unreadable"}`,
});

/** `expire_at` overrides `exp`, and 0 is never (docs/protocol.md C36). */
function expiry(claims: { exp?: number | undefined; expire_at?: number | undefined }): {
  expiresAt?: number;
} {
  const at = claims.expire_at ?? claims.exp;
  return at === undefined || at === 0 ? {} : { expiresAt: at };
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined): { [N in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [N in Name]?: Value };
}
