import type { Config } from "../config/config.ts";
import type { ShardAddress } from "../contracts/address.ts";
import type { ClientEvent, Publication } from "../contracts/publication.ts";
import type { Close } from "../contracts/refusal.ts";
import type { Asker } from "../hooks/asker.ts";
import type { Verifier } from "../tokens/verifier.ts";
import type { Connections } from "./connections/connections.ts";
import type { EndReason } from "./connections/end-reasons.ts";
import type { Session, Subscription } from "./connections/session.ts";
import type { Counters } from "./records/counters.ts";
import type { Broadcast } from "./subscriptions/broadcast.ts";
import type { Start } from "./subscriptions/join.ts";
import type { Subscriptions } from "./subscriptions/subscriptions.ts";

/**
 * A client protocol, as the shard's core sees it (SPEC FR1, docs/architecture.md).
 *
 * A front agrees on the handshake of a socket, turns frames into commands to the core, and turns what the core has to
 * say into frames. The core knows sessions, subscriptions and moves, and MUST NOT know a wire name. A second front is a
 * second object class on the same ring.
 */
export type Front = {
  /** The front in addresses; see `ShardAddress`. */
  readonly name: string;
  readonly wire: Wire;
  /** Makes what carries out the frames of one shard's clients. */
  readonly serve: (core: Core) => Serve;
};

/** Carries out one frame. The core calls it for one frame of a session at a time, in the order of their arrival. */
export type Serve = (session: Session, frame: string) => Promise<void>;

/** What a front may use of the shard that it runs on. */
export type Core = {
  readonly env: Cloudflare.Env;
  readonly config: Config;
  readonly shard: ShardAddress;
  readonly connections: Connections;
  readonly subscriptions: Subscriptions;
  readonly broadcast: Broadcast;
  readonly verifier: Verifier;
  readonly asker: Asker;
  readonly counters: Counters;
};

/** From the core's words to frames. Every text that it answers with is one frame; an empty one is not sent. */
export type Wire = {
  /** The runtime answers `pong` with `absorb` and does not wake the object for it. */
  readonly heartbeat: { readonly ping: string; readonly pong: string; readonly absorb: string };
  /** The subprotocol to agree on, of those that the client offers. */
  subprotocol(offered: readonly string[]): string | undefined;
  encodeBatch(batch: Batch): BatchFrames;
  encodeNotice(session: Session, notice: Notice): string;
  closeFor(why: EndReason): Close;
};

/** What a channel says at once. `previous`: the publication before the first, where a listener wants deltas. */
export type Batch = {
  readonly channel: string;
  readonly events: readonly ClientEvent[];
  /** Publications are kept: clients are told their offsets. */
  readonly durable: boolean;
  readonly previous: Publication | undefined;
};

/** The frames of one batch; what many listeners get alike is encoded once. */
export type BatchFrames = {
  frameFor(session: Session, subscription: Subscription): string;
};

/** What the core tells one client. */
export type Notice =
  /** A message to the client itself, of no channel; `data` is JSON text. */
  | { readonly kind: "message"; readonly data: string }
  /** The server has subscribed the client. `data` goes along where it is not undefined. */
  | { readonly kind: "subscribed"; readonly channel: string; readonly start: Start; readonly data?: unknown }
  /** What the client has missed of a channel that it believes itself subscribed to. */
  | { readonly kind: "missed"; readonly channel: string; readonly start: Start }
  | { readonly kind: "unsubscribed"; readonly channel: string; readonly why: UnsubscribeReason };

export type UnsubscribeReason = "server" | "insufficientState" | "expired";
