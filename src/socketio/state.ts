import type { Session } from "../shard/connections/session.ts";

/** What the router tells of a new connection. */
export type HandshakeInfo = {
  readonly query: Readonly<Record<string, string>>;
  /** Those that `RINGCAST.socketio.handshakeHeaders` lists. */
  readonly headers: Readonly<Record<string, string>>;
  /** The client's address, empty where the edge does not tell it. */
  readonly address: string;
};

/** One namespace of a connection. */
export type Member = {
  readonly id: string;
  readonly auth: Readonly<Record<string, unknown>>;
  readonly data: unknown;
  /** The key of the pattern or function that has found the namespace; absent for one that was named (SPEC SO30). */
  readonly foundBy?: string;
  /** Where it may be recovered: the part of its `pid` that its client alone knows. */
  readonly secret?: string;
  /** It was recovered. */
  readonly recovered?: boolean;
};

/** The front's part of a socket's attachment. A change of its shape MUST stay readable (SPEC CT2). */
export type State = {
  readonly sid: string;
  readonly handshake: HandshakeInfo;
  /** The identity of the upgrade, from `authenticate` or its token. */
  readonly identity?: { readonly user: string; readonly info?: unknown };
  /** By namespace. A Map, as a namespace may be called `__proto__`. */
  readonly members: ReadonlyMap<string, Member>;
};

export const stateOf = ({ attachment }: Session): State => attachment.ofFront as State;

/** The socket's id in a namespace; undefined where it has not joined it. */
export const memberOf = (session: Session, nsp: string): Member | undefined =>
  stateOf(session).members.get(nsp);
