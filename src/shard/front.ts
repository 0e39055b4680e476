import type { Config } from "../config/config.ts";
import type { ShardAddress } from "../contracts/address.ts";
import type { Asker } from "../hooks/asker.ts";
import type { Publisher } from "../platform/publisher.ts";
import type { Verifier } from "../tokens/verifier.ts";
import type { Connections } from "./connections/connections.ts";
import type { Session } from "./connections/session.ts";
import type { Counters } from "./records/counters.ts";
import type { Broadcast } from "./subscriptions/broadcast.ts";
import type { Subscriptions } from "./subscriptions/subscriptions.ts";
import type { Wire } from "./wire.ts";

/**
 * A client protocol, as the shard's core sees it (SPEC FR1, docs/architecture.md).
 *
 * A front agrees on the handshake of a socket, turns frames into commands to the core, and turns the core's words
 * into frames. The core knows sessions, subscriptions and moves, and MUST NOT know a wire name. A second front is a
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

/** The parts of a shard that its front may use. */
export type Core = {
  readonly env: Cloudflare.Env;
  readonly config: Config;
  readonly shard: ShardAddress;
  readonly connections: Connections;
  readonly subscriptions: Subscriptions;
  readonly broadcast: Broadcast;
  readonly verifier: Verifier;
  readonly asker: Asker;
  readonly publisher: Publisher;
  readonly counters: Counters;
};
