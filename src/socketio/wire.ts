import type { Publication, ClientEvent } from "../contracts/publication.ts";
import { subscriptionsOf, type Session } from "../shard/connections/session.ts";
import type { Frame } from "../shard/frame.ts";
import type { Batch, BatchFrames, Wire } from "../shard/wire.ts";
import { CLOSES } from "./codes.ts";
import { NOOP, PING, PONG } from "./engine.ts";
import { framesOf, type Message } from "./message.ts";
import { readChannel, roomChannel } from "./names.ts";
import { memberOf } from "./state.ts";

/** The unions that a session remembers, newest last: their other parts may still come, within a second or so. */
const REMEMBERED_UNIONS = 128;
/** A volatile event passes over a reader that may have left so much unread. */
const VOLATILE_BYTES = 65_536;

const NOTHING: readonly Frame[] = [];

/** From the core's words to the frames of this protocol. */
export class SocketWire implements Wire {
  readonly heartbeat = { ping: PING, pong: PONG, absorb: NOOP };
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

  encodeBatch({ channel, events }: Batch): BatchFrames {
    const nsp = readChannel(channel)?.nsp;
    if (nsp === undefined) return { frameFor: () => NOTHING };
    const messages = events.filter(isPublication).map((event) => {
      const message = (JSON.parse(event.body) as { readonly data: Message }).data;
      return { message, frames: framesOf(message) };
    });
    const [only] = messages;
    if (only !== undefined && messages.length === 1)
      return { frameFor: (session) => (this.isFor(session, nsp, only.message) ? only.frames : NOTHING) };
    return {
      frameFor: (session) =>
        messages.flatMap(({ message, frames }) => (this.isFor(session, nsp, message) ? frames : [])),
    };
  }

  /** Whether a socket of a room gets an event. Counts a union as received. */
  isFor(session: Session, nsp: string, { except, union, volatile }: Message): boolean {
    const member = memberOf(session, nsp);
    if (member === undefined) return false;
    if (except?.some((room) => room === member.id || isIn(session, nsp, room)) === true) return false;
    if (volatile === true && session.unprovenBytes > VOLATILE_BYTES) return false;
    return union === undefined || this.#isFirst(session, union);
  }

  #isFirst(session: Session, union: string): boolean {
    const unions = this.#unions.get(session) ?? new Set<string>();
    if (unions.has(union)) return false;
    this.#unions.set(session, unions.add(union));
    const [oldest] = unions;
    if (unions.size > REMEMBERED_UNIONS && oldest !== undefined) unions.delete(oldest);
    return true;
  }
}

export const isIn = (session: Session, nsp: string, room: string): boolean =>
  subscriptionsOf(session).has(roomChannel(nsp, room));

const isPublication = (event: ClientEvent): event is Publication | (ClientEvent & { kind: "passing" }) =>
  event.kind === "pub" || event.kind === "passing";
