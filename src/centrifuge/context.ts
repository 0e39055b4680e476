import type { ReplyError } from "../contracts/refusal.ts";
import type { Open, Session } from "../shard/connections/session.ts";
import type { Core } from "../shard/front.ts";
import { DISCONNECTS, type DisconnectName, type ErrorName } from "./codes.ts";
import { encodeError } from "./reply.ts";
import type { CentrifugeWire } from "./wire.ts";

/** The core of a shard, as the commands of this front use it. */
export type Context = Core & { readonly wire: CentrifugeWire };

/** A session that has connected, as of the command that is carried out. */
export type Client = { readonly session: Session; readonly open: Open };

export function disconnect({ connections }: Context, session: Session, why: DisconnectName): void {
  connections.close(session, DISCONNECTS[why]);
}

/** Answers a command with an error. */
export function fail(
  { connections }: Context,
  session: Session,
  { id, error }: { readonly id: number; readonly error: ErrorName | ReplyError },
): void {
  connections.send(session, encodeError(id, error));
}
