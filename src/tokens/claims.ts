import { z } from "zod";

/** What a verified token says (Centrifugo's JWT claims). Times are seconds since 1970. */

export type ConnectionClaims = {
  /** Empty for a visitor without a name. */
  readonly user: string;
  /** Signed by the operator's API of this deployment, not by the application. */
  readonly operator?: true;
  readonly expiresAt?: number;
  readonly info?: unknown;
  /** Channels that the server subscribes the client to. */
  readonly channels: readonly string[];
  readonly subs: Readonly<Record<string, { readonly info?: unknown; readonly data?: unknown }>>;
};

export type SubscriptionClaims = {
  readonly user: string;
  readonly channel: string;
  /** Signed by the operator's API of this deployment, not by the application. */
  readonly operator?: true;
  /** The one connection that the token is for, where it names one. */
  readonly client?: string;
  readonly info?: unknown;
  readonly expiresAt?: number;
};

export type ParsedClaims<Claims> =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly detail: string };

const seconds = z
  .number()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER / 1000);
const user = z.string().max(255).optional();

const connectionSchema = z.object({
  exp: seconds.optional(),
  expire_at: seconds.optional(),
  info: z.unknown().optional(),
  b64info: z.string().optional(),
  channels: z.array(z.string()).optional(),
  subs: z
    .record(
      z.string(),
      z.object({
        info: z.unknown().optional(),
        b64info: z.string().optional(),
        data: z.unknown().optional(),
        b64data: z.string().optional(),
      }),
    )
    .optional(),
  // It tells a subscription token from a connection token, so that neither is taken for the other.
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

/** `userIdClaim` names the claim that holds the user; one that is absent means the empty user. */
export function parseConnectionClaims(payload: unknown, userIdClaim: string): ParsedClaims<ConnectionClaims> {
  return parseWith(connectionSchema, payload, userIdClaim, (claims, name) => ({
    user: name,
    ...expiry(claims),
    ...optional("info", jsonOr64(claims.info, claims.b64info)),
    channels: claims.channels ?? [],
    subs: Object.fromEntries(
      Object.entries(claims.subs ?? {}).map(([channel, sub]) => [
        channel,
        {
          ...optional("info", jsonOr64(sub.info, sub.b64info)),
          ...optional("data", jsonOr64(sub.data, sub.b64data)),
        },
      ]),
    ),
  }));
}

export function parseSubscriptionClaims(
  payload: unknown,
  userIdClaim: string,
): ParsedClaims<SubscriptionClaims> {
  return parseWith(subscriptionSchema, payload, userIdClaim, (claims, name) => ({
    user: name,
    channel: claims.channel,
    ...optional("client", claims.client),
    ...optional("info", jsonOr64(claims.info, claims.b64info)),
    ...expiry(claims),
  }));
}

function parseWith<Schema extends z.ZodType, Claims>(
  schema: Schema,
  payload: unknown,
  userIdClaim: string,
  build: (claims: z.infer<Schema>, user: string) => Claims,
): ParsedClaims<Claims> {
  const claims = schema.safeParse(payload);
  if (!claims.success) return unreadable(claims.error.issues[0]);
  // The claim by itself: a schema that holds its name, made for each token, cost more than all other checks.
  const name = user.safeParse((payload as Record<string, unknown>)[userIdClaim]);
  if (!name.success) return unreadable({ path: [userIdClaim], message: name.error.issues[0]?.message ?? "" });
  try {
    return { ok: true, claims: build(claims.data, name.data ?? "") };
  } catch {
    return { ok: false, detail: "a b64 claim is not base64 of JSON" };
  }
}

const unreadable = (
  issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined,
) => ({
  ok: false as const,
  detail: `${issue?.path.join(".") ?? "claims"}: ${issue?.message ?? "unreadable"}`,
});

/** `expire_at` overrides `exp`; 0 is never. */
function expiry(claims: { exp?: number | undefined; expire_at?: number | undefined }): {
  expiresAt?: number;
} {
  const at = claims.expire_at ?? claims.exp;
  return at === undefined || at === 0 ? {} : { expiresAt: at };
}

/** A `b64…` claim is base64 of the JSON; it wins over the plain one. Throws where it is neither. */
function jsonOr64(plain: unknown, base64: string | undefined): unknown {
  if (base64 === undefined || base64 === "") return plain;
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined): { [N in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { [N in Name]?: Value };
}
