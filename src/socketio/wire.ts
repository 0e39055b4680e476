import type { Connections } from "../shard/connections/connections.ts";
import type { ClientEvent } from "../contracts/publication.ts";
import { logError } from "../platform/logger.ts";
import { subscriptionsOf, type Session, type Subscription } from "../shard/connections/session.ts";
import type { Frame } from "../shard/frame.ts";
import type { Batch, BatchFrames, Wire } from "../shard/wire.ts";
import { CLOSES } from "./codes.ts";
import { NOOP, PING, PONG } from "./engine.ts";
import { framesOf, messageOf, type Message } from "./message.ts";
import { channelsThatMayBe, readChannel, SHARED_NSP } from "./names.ts";
import { encodePacket } from "./packets.ts";
import { isShared, readShared } from "./shared-rooms.ts";
import { PollingPeer } from "./polling-peer.ts";
import { memberOf } from "./state.ts";

/** The unions that a session remembers, newest last: their other parts may still come, within a second or so. */
const REMEMBERED_UNIONS = 128;
/** A volatile event passes over a reader that may have left so much unread. */
const VOLATILE_BYTES = 65_536;

export const NOTHING: readonly Frame[] = [];

/** From the core's words to the frames of this protocol. */
export class SocketWire implements Wire {
  readonly heartbeat = { ping: PING, pong: PONG, absorb: NOOP, isFromStart: true } as const;
  readonly #connections = new WeakMap<Session, Connections>();
  /** The unions that have reached a session lately (SPEC SO11). */
  readonly #unions = new WeakMap<Session, Set<string>>();

  subprotocol(): undefined {
    return undefined;
  }

  closeFor(why: Parameters<Wire["closeFor"]>[0]): ReturnType<Wire["closeFor"]> {
    return CLOSES[why];
  }

  /** A client of this front is subscribed by the front alone, and has no user: the core has no word for it. */
  encodeNotice(): readonly Frame[] {
    return NOTHING;
  }

  encodeBatch(batch: Batch): BatchFrames {
    const { nsp } = readChannel(batch.channel);
    const messages = readBatch(batch);
    const isFor = (session: Session, { since = 0 }: Subscription, { message, offset }: Encoded): boolean =>
      (offset ?? Infinity) > since && this.isFor(session, nsp, message);
    const [only] = messages;
    if (only !== undefined && messages.length === 1) {
      // Most events have no attachments: for thousands of sessions one text is less work than a list of one.
      const [text, ...attachments] = only.frames;
      const frames = typeof text === "string" && attachments.length === 0 ? text : only.frames;
      return {
        frameFor: (session, subscription) => (isFor(session, subscription, only) ? frames : NOTHING),
      };
    }
    return {
      frameFor: (session, subscription) =>
        messages.flatMap((one) => (isFor(session, subscription, one) ? one.frames : [])),
    };
  }

  /** The session is one of these connections: the shards of an isolate share one wire. */
  belongs(session: Session, connections: Connections): void {
    this.#connections.set(session, connections);
  }

  /** Whether a socket of a room gets an event. Counts a union as received. */
  isFor(
    session: Session,
    nsp: string,
    { except, union, volatile }: Pick<Message, "except" | "union" | "volatile">,
  ): boolean {
    const member = memberOf(session, nsp);
    if (member === undefined) return false;
    if (except?.some((room) => room === member.id || isIn(session, nsp, room)) === true) return false;
    if (volatile === true && !isWritable(session, this.#connections.get(session))) return false;
    return union === undefined || this.receives(session, union);
  }

  /** Counts a union as received; answers whether it is the first time. */
  receives(session: Session, union: string): boolean {
    const unions = this.#unions.get(session) ?? new Set<string>();
    if (unions.has(union)) return false;
    this.#unions.set(session, unions.add(union));
    const [oldest] = unions;
    if (unions.size > REMEMBERED_UNIONS && oldest !== undefined) unions.delete(oldest);
    return true;
  }
}

/** Whether a client takes an event now, rather than later: a volatile one passes over it otherwise (SPEC SO31). */
export function isWritable(session: Session, connections: Connections | undefined): boolean {
  const { socket, unprovenBytes } = session;
  if (socket instanceof PollingPeer) return socket.isHeld;
  // Most of the bytes that were sent may have been read, and nobody has asked yet.
  return unprovenBytes <= VOLATILE_BYTES || (connections?.unreadOf(session) ?? 0) <= VOLATILE_BYTES;
}

export function isIn(session: Session, nsp: string, room: string): boolean {
  const channels = subscriptionsOf(session);
  return channelsThatMayBe(nsp, room).some((channel) => channels.has(channel));
}

type AnyPublication = Extract<ClientEvent, { kind: "pub" | "passing" }>;

const isPublication = (event: ClientEvent): event is AnyPublication =>
  event.kind === "pub" || event.kind === "passing";

/** An event for sockets. */
export type Encoded = {
  readonly message: Pick<Message, "except" | "union" | "volatile" | "stamp">;
  /** Its text, then its attachments. */
  readonly frames: readonly Frame[];
  /** A subscription that begins at or after it has not begun with it. Undefined where it is not kept. */
  readonly offset: number | undefined;
};

/** The events of a batch. Data of others that cannot be read is told to the log, and not delivered for ever. */
export function readBatch(batch: Pick<Batch, "channel" | "durable" | "events">): readonly Encoded[] {
  const { channel, durable } = batch;
  const offsetOf = (event: AnyPublication): number | undefined =>
    durable && event.kind === "pub" ? event.offset : undefined;
  const publications = batch.events.filter(isPublication);
  if (!isShared(channel))
    return publications.map((event) => {
      const message = messageOf(event.body);
      return { message, frames: framesOf(message), offset: offsetOf(event) };
    });
  return publications.map((event) => {
    const offset = offsetOf(event);
    try {
      const { args, ...message } = readShared(channel, event, { durable });
      return { message, frames: encodePacket({ kind: "event", nsp: SHARED_NSP, args }), offset };
    } catch (error) {
      logError("a publication could not be made an event", { channel, error });
      return { message: {}, frames: NOTHING, offset };
    }
  });
}
