import type { Session } from "../shard/connections/session.ts";
import type { Notice, Wire } from "../shard/wire.ts";
import type { Start } from "../shard/subscriptions/start.ts";
import { DISCONNECTS, UNSUBSCRIBES } from "./codes.ts";
import { batchEncoder, DeltaBases, Frames } from "./frames.ts";
import { encodeMessage, encodeSubscribed, PING_FRAME, PONG_ABSORBER, type SubscribeResult } from "./reply.ts";

/** Encodes the core's words to clients in the Centrifuge protocol. */
export class CentrifugeWire implements Wire {
  readonly heartbeat = { ping: PING_FRAME, pong: PING_FRAME, absorb: PONG_ABSORBER };
  readonly #bases = new DeltaBases();
  readonly encodeBatch = batchEncoder(this.#bases);

  subprotocol(offered: readonly string[]): string | undefined {
    return offered.find((name) => name === "centrifuge-json");
  }

  closeFor(why: Parameters<Wire["closeFor"]>[0]): ReturnType<Wire["closeFor"]> {
    return DISCONNECTS[why];
  }

  encodeNotice(session: Session, notice: Notice): string {
    switch (notice.kind) {
      case "message":
        return encodeMessage(notice.data);
      case "subscribed": {
        const { channel, start, data } = notice;
        const missed = this.#missed(session, channel, start);
        const result = { ...(data === undefined ? {} : { data }), ...resultOf(start, missed.length) };
        return [encodePush(channel, "subscribe", JSON.stringify(result)), ...pushEach(channel, missed)].join(
          "\n",
        );
      }
      case "missed":
        return pushEach(notice.channel, this.#missed(session, notice.channel, notice.start)).join("\n");
      case "unsubscribed":
        return encodePush(notice.channel, "unsubscribe", JSON.stringify(UNSUBSCRIBES[notice.why]));
    }
  }

  /**
   * The result of a subscription as JSON text, with what the client has missed. `fields` go before.
   * MUST be encoded in the turn in which the subscription starts, and once: the next patch joins on.
   */
  encodeStart(session: Session, channel: string, start: Start, fields: SubscribeResult = {}): string {
    const missed = this.#missed(session, channel, start);
    return encodeSubscribed({ ...fields, ...resultOf(start, missed.length) }, missed);
  }

  #missed(session: Session, channel: string, { subscription, recovery }: Start): string[] {
    const events = recovery?.kind === "resume" ? recovery.publications : [];
    const frames = new Frames({ channel, events, durable: true, previous: undefined }, this.#bases);
    return frames.missedBy(session, subscription);
  }
}

/** A recovery with publications echoes the offset that was asked for: the client advances with each of them (C20). */
function resultOf({ position, recovery, tracking, since }: Start, missed: number): SubscribeResult {
  if (position === null || !tracking.positioned) return {};
  const recovered = recovery?.kind === "resume";
  return {
    ...(tracking.recoverable ? { recoverable: true } : {}),
    positioned: true,
    epoch: position.logEpoch,
    offset: recovered && missed > 0 && since !== undefined ? since.offset : position.offset,
    ...(recovery === null ? {} : { was_recovering: true }),
    ...(recovered ? { recovered: true } : {}),
    ...(tracking.delta ? { delta: true } : {}),
  };
}

/** `text` is JSON text. */
const encodePush = (channel: string, field: "subscribe" | "unsubscribe" | "pub", text: string): string =>
  `{"push":{"channel":${JSON.stringify(channel)},"${field}":${text}}}`;

const pushEach = (channel: string, publications: readonly string[]): string[] =>
  publications.map((publication) => encodePush(channel, "pub", publication));
