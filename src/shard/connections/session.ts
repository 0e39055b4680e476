import type { HookSession } from "../../hooks/hooks.ts";
import type { RouteIdentity } from "../../contracts/route.ts";
import type { TagsFilter } from "../../policy/tags-filter.ts";
import type { Budgets } from "./budgets.ts";
import type { Held } from "./held.ts";
import type { Reached } from "./new-channels.ts";
import type { Peer } from "./peer.ts";

/**
 * The attachment: the part of a session that its socket remembers through sleep, at most 16,384 bytes serialised
 * (docs/platform.md P2).
 * A change of its shape MUST stay readable: a deployment meets the attachments of the one before.
 */

/** The position that a client has been told, while the log did not answer; it is owed what came after. */
export type Behind = { readonly offset: number; readonly logEpoch: string };

/** One subscription of a session. Times are ms since 1970. */
export type Subscription = {
  /** Subscribed by the server, from the token's claims. */
  readonly byServer?: true;
  /** Hears of joins and leaves. */
  readonly joinLeave?: true;
  /** Wants publications as patches of the one before, if its front has patches. */
  readonly delta?: true;
  /** Wants only the publications whose tags pass. */
  readonly filter?: TagsFilter;
  /** No publication at or before this offset is sent: the client has it, or was told that it begins after it. */
  readonly since?: number;
  /** Not heard yet, as the log did not answer. */
  readonly behind?: Behind;
  readonly expiresAt?: number;
  readonly chanInfo?: unknown;
};

type Placed = {
  readonly id: string;
  readonly openedAt: number;
  /** Where the key places it: the affinity key, the client's region, and which of the owners took it (0 = first). */
  readonly key: string;
  readonly clientRegion: string;
  readonly rank: number;
  /**
   * Its region did not answer in this epoch; a guest stays until the next one (SPEC EL42), or until its region answers
   * again: `isOver` (EL71). Absent in 0.2.0.
   */
  readonly guestOf?: { readonly region: string; readonly ringEpoch: number; readonly isOver?: true };
  /** The front's own part, which the core does not read. */
  readonly ofFront?: unknown;
};

/** Accepted, no `connect` yet. `refused`: its connect failed, and the protocol lets it try no other. */
export type Opening = Placed & {
  readonly state: "opening";
  readonly token?: string;
  readonly identity?: RouteIdentity;
  readonly refused?: true;
};

export type Open = Placed & {
  readonly state: "open";
  readonly user: string;
  readonly connInfo?: unknown;
  readonly expiresAt?: number;
  /** An operator's page: the hooks are not asked about it, nor told, and it is no member of a channel (SPEC AU8). */
  readonly operator?: true;
  /** By channel. A Map, as a channel may be called `__proto__`. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
};

/**
 * Closed by us. Written before the close: a peer that never answers leaves the socket in `getWebSockets()`, and
 * after a sleep it reads OPEN again.
 */
export type Closing = { readonly state: "closing"; readonly id: string };

export type Attachment = Opening | Open | Closing;
export type Live = Opening | Open;

/** One connection, while it lives. */
export type Session = Budgets & {
  /** A session may go on over another; see `Connections.goOn`. */
  socket: Peer;
  /** It is no session any more: closed by us, or its peer has gone. */
  ended: boolean;
  attachment: Live;
  /** The end of what its frames still have to do; frames of one session never overlap. */
  queue: Promise<void>;
  /** Frames, and orders of back ends, that wait or are carried out. */
  busy: number;
  /** The frames among them. */
  waitingFrames: number;
  /** The length of the frames, in UTF-16 units. */
  waitingUnits: number;
  reached: Reached;
  /** Those that wait for the answer to `connect`. */
  held: Held | undefined;
  /** Bytes sent since the last proof that the peer reads. */
  unprovenBytes: number;
  probedAt: number | undefined;
  /** When the runtime last told how many bytes wait for the peer; undefined where it never did. */
  askedAt: number | undefined;
  lastFrameAt: number;
  /** When the front last heard an answer to a ping, ms since 1970; 0 where the runtime absorbs these answers. */
  answeredAt: number;
  /** The shard's alarm pings the session, unless its front does so. */
  pingedBy: "alarm" | "front";
};

/** Whether a session is an operator's, which is no member of the channels that it listens to (SPEC AU8). */
export const isOperators = ({ attachment }: Session): boolean =>
  attachment.state === "open" && attachment.operator === true;

/** A session as hooks see it. */
export const hookSession = ({
  id,
  user,
  key,
  connInfo,
}: Pick<Open, "id" | "user" | "key" | "connInfo">): HookSession => ({
  client: id,
  user,
  key,
  info: connInfo,
});

const NONE: ReadonlyMap<string, Subscription> = new Map();

export const subscriptionsOf = (session: Session): ReadonlyMap<string, Subscription> =>
  session.attachment.state === "open" ? session.attachment.subscriptions : NONE;
