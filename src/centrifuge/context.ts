import type { ReplyError } from "../contracts/refusal.ts";
import { missingNamespace, type ChannelName } from "../policy/channels.ts";
import { missingOption } from "../policy/missing-option.ts";
import type { Permission } from "../policy/permissions.ts";
import type { Open, Session } from "../shard/connections/session.ts";
import type { Core } from "../shard/front.ts";
import type { Problem, Schemas } from "../typed/schemas.ts";
import { DISCONNECTS, ERRORS, type DisconnectName, type ErrorName } from "./codes.ts";
import { encodeError } from "./reply.ts";
import type { CentrifugeWire } from "./wire.ts";

/** The core of a shard, as the commands of this front use it. */
export type Context = Core & { readonly wire: CentrifugeWire; readonly schemas: Schemas | undefined };

/** A session that has connected, as of the command that is carried out. */
export type Client = { readonly session: Session; readonly open: Open };

export function disconnect({ connections }: Context, session: Session, why: DisconnectName): void {
  connections.close(session, DISCONNECTS[why]);
}

type Refused = {
  readonly id: number;
  readonly error: Exclude<Permission, "allowed">;
  readonly channel: ChannelName;
  readonly user: string;
  /** Of a client that publishes. */
  readonly subscribed?: boolean;
};

/** Answers a command that the policy does not permit; in development with the setting that is missing (SPEC PK9, FH2). */
export function failPolicy(context: Context, session: Session, { id, error, ...asked }: Refused): void {
  const { config } = context;
  const missing =
    error === "unknownChannel"
      ? missingNamespace(config, asked.channel)
      : error === "permissionDenied"
        ? missingOption({ config, ...asked })
        : undefined;
  const { code, message } = ERRORS[error];
  fail(context, session, {
    id,
    error: missing === undefined ? error : { code, message: `${message}: ${missing}` },
  });
}

/** Answers a publication whose data does not fit the channel's schema (SPEC PK10). */
export function failSchema(context: Context, session: Session, id: number, problem: Problem): void {
  const { code, message } = ERRORS.badRequest;
  const error =
    problem.kind === "failed" ? ("internal" as const) : { code, message: `${message}: ${problem.detail}` };
  fail(context, session, { id, error });
}

/** Answers a command with an error. */
export function fail(
  { connections, counters }: Context,
  session: Session,
  { id, error }: { readonly id: number; readonly error: ErrorName | ReplyError },
): void {
  counters.code("error", typeof error === "string" ? ERRORS[error].code : error.code);
  connections.send(session, encodeError(id, error));
}
