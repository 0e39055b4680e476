import type { ClientEvent, Publication } from "../contracts/publication.ts";
import type { Close } from "../contracts/refusal.ts";
import type { EndReason } from "./connections/end-reasons.ts";
import type { Session, Subscription } from "./connections/session.ts";
import type { Frames } from "./frame.ts";
import type { Start } from "./subscriptions/start.ts";

/** From the core's words to frames. */
export type Wire = {
  /**
   * The runtime answers `pong` with `absorb` and does not wake the object for it. `isFromStart`: connections are pinged
   * before they are let in, too.
   */
  readonly heartbeat: {
    readonly ping: string;
    readonly pong: string;
    readonly absorb: string;
    readonly isFromStart?: true;
  };
  /** The subprotocol to agree on, of those that the client offers. */
  subprotocol(offered: readonly string[]): string | undefined;
  encodeBatch(batch: Batch): BatchFrames;
  encodeNotice(session: Session, notice: Notice): Frames;
  closeFor(why: EndReason): Close;
};

/** Events of a channel that go out together. `previous`: the publication before the first, where a listener wants deltas. */
export type Batch = {
  readonly channel: string;
  readonly events: readonly ClientEvent[];
  /** Publications are kept: clients are told their offsets. */
  readonly durable: boolean;
  readonly logEpoch: string;
  readonly previous: Publication | undefined;
};

/** The frames of one batch; what many listeners get alike is encoded once. */
export type BatchFrames = {
  frameFor(session: Session, subscription: Subscription): Frames;
};

/** The core's words to one client. */
export type Notice =
  /** A message to the client itself, of no channel; `data` is JSON text. */
  | { readonly kind: "message"; readonly data: string }
  /** The server has subscribed the client. `data` goes along where it is not undefined. */
  | { readonly kind: "subscribed"; readonly channel: string; readonly start: Start; readonly data?: unknown }
  /** Publications that the client has missed of a channel that it believes itself subscribed to. */
  | { readonly kind: "missed"; readonly channel: string; readonly start: Start }
  | { readonly kind: "unsubscribed"; readonly channel: string; readonly why: UnsubscribeReason };

export type UnsubscribeReason = "server" | "insufficientState" | "expired";
