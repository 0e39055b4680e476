import type { Session } from "../../shard/connections/session.ts";
import type { Frame } from "../../shard/frame.ts";
import type { Batch, BatchFrames } from "../../shard/wire.ts";
import type { Connections } from "../../shard/connections/connections.ts";
import { logError } from "../../platform/logger.ts";
import { framesOf, type Message } from "../message.ts";
import { readChannel } from "../names.ts";
import { memberOf } from "../state.ts";
import { NOTHING, readBatch, type Encoded, type SocketWire } from "../wire.ts";
import type { Gates } from "./gates.ts";
import type { Journal } from "./journal.ts";
import type { Keeper } from "./keeper.ts";
import { carriesOffset, withOffset } from "./offset.ts";

export type DeliveryParts = {
  readonly connections: Connections;
  readonly wire: SocketWire;
  readonly journal: Journal;
  readonly keeper: Pick<Keeper, "hasReceivedBefore">;
  readonly gates: Gates;
};

/** Sends events with their places in the journal (SPEC SO40, SO43). */
export class Delivery {
  readonly #parts: DeliveryParts;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /** Writes a batch down. Where that fails, its sessions end: they come back and are sent it again. */
  encodeBatch(batch: Batch): BatchFrames {
    const { gates } = this.#parts;
    const { channel } = batch;
    const { nsp } = readChannel(channel);
    const events = readBatch(batch);
    let next: number;
    try {
      next = this.#append(batch, events);
    } catch (error) {
      logError("a batch of a room could not be written down", { channel, error });
      return {
        frameFor: () => {
          throw error;
        },
      };
    }
    const placed = events.map((event) => ({
      ...event,
      frames: event.offset === undefined ? event.frames : this.#place(event, next++),
    }));
    return {
      frameFor: (session, { since = 0 }) => {
        const wanted = placed.filter(
          ({ message, offset = Infinity }) => offset > since && this.#isFor(session, nsp, message),
        );
        const frames = wanted.flatMap((event) => event.frames);
        return frames.length === 0 ? NOTHING : gates.pass(session, nsp, frames);
      },
    };
  }

  /** Sends an event to one socket that is here. */
  send(session: Session, { nsp, id }: { readonly nsp: string; readonly id: string }, message: Message): void {
    const { connections, gates, journal } = this.#parts;
    if (!this.#isFor(session, nsp, message)) return;
    const event = { message, frames: framesOf(message) };
    const frames = carriesOffset(event)
      ? this.#place(event, journal.appendDirect(id, message, Date.now()))
      : event.frames;
    connections.send(session, gates.pass(session, nsp, frames));
  }

  #isFor(session: Session, nsp: string, message: Encoded["message"]): boolean {
    const { keeper, wire } = this.#parts;
    if (!wire.isFor(session, nsp, message)) return false;
    const { union } = message;
    const member = union === undefined ? undefined : memberOf(session, nsp);
    return union === undefined || member === undefined || !keeper.hasReceivedBefore(member.id, union);
  }

  /** The frames of an event at its place. */
  #place(event: Pick<Encoded, "message" | "frames">, place: number): readonly Frame[] {
    return carriesOffset(event)
      ? withOffset(event.frames, this.#parts.journal.offsetAt(place))
      : event.frames;
  }

  /** Answers with the place of the first event that is kept. */
  #append({ channel, logEpoch }: Batch, events: readonly Encoded[]): number {
    const kept = events.filter(({ offset }) => offset !== undefined);
    const first = kept[0]?.offset;
    if (first === undefined) return 0;
    const unions = kept.flatMap(({ message: { union } }, n) =>
      union === undefined ? [] : [[n, union] as const],
    );
    const batch = { count: kept.length, logEpoch, since: first - 1, unions };
    return this.#parts.journal.appendBatch(channel, batch, Date.now());
  }
}
