import type { Config } from "../config/config.ts";
import type { ShardAddress } from "../contracts/address.ts";
import type { Pulse } from "../contracts/live.ts";
import type { ClientInfo } from "../contracts/publication.ts";
import type { Asker } from "../hooks/asker.ts";
import type { Publisher } from "../platform/publisher.ts";
import type { ShardSpec } from "../ring/descriptor.ts";
import type { Verifier } from "../tokens/verifier.ts";
import type { Connections } from "./connections/connections.ts";
import type { Opening, Session } from "./connections/session.ts";
import type { Counters } from "./records/counters.ts";
import type { Emitter } from "./subscriptions/emitter.ts";
import type { Broadcast } from "./subscriptions/broadcast.ts";
import type { Subscriptions } from "./subscriptions/subscriptions.ts";
import type { EndReason } from "./connections/end-reasons.ts";
import type { Frame } from "./frame.ts";
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
  /** Its sessions do not hear the broadcast channel. */
  readonly isWithoutBroadcast?: true;
  /** A session as the other clients of a channel see it, where its user and info do not tell that. */
  readonly describe?: (session: Session) => ClientInfo | undefined;
  /** The settings of its shards, where they differ from those of the cluster. */
  readonly configure?: (config: Config) => Config;
  /** Its shards stay awake while they have sessions: they hear the answers to pings, and the runtime absorbs none. */
  readonly staysAwake?: (config: Config) => boolean;
  /** Makes what serves one shard's clients. */
  readonly serve: (core: Core) => Service;
};

/** A front's work for one shard. */
export type Service = {
  /** Carries out one frame. The core calls it for one frame of a session at a time, in the order of their arrival. */
  readonly frame: (session: Session, frame: Frame) => Promise<void>;
  /** A socket was accepted, for a protocol in which the server speaks first. */
  readonly accepted?: (session: Session) => void;
  /** Takes in a connection that is no WebSocket (`Route.inMemory`), and answers its first request. */
  readonly open?: (opening: Opening) => Promise<Response>;
  /** A request for a session that this shard has or had. `word`: the front's own, from the router. */
  readonly request?: (word: unknown, request: Request) => Promise<Response>;
  /** A frame of a socket that is no session's (`Connections.acceptStranger`), or its end. */
  readonly stranger?: (socket: WebSocket, frame: Frame | undefined) => void;
  /** A session has slept with the object. */
  readonly woke?: (session: Session) => void;
  /** A session ends; what it was is still known. */
  readonly ended?: (session: Session, why: EndReason | undefined) => void;
  /** Answers a question of the front's own, which the core carries and does not read. */
  readonly answer?: (question: string) => Promise<string>;
  /** What it adds to the shard's pulse, while an operator watches. */
  readonly vitals?: () => Pick<Pulse, "namespaces">;
  /** In the place of the wire's, for frames that depend on the shard. A `frameFor` that throws ends its session. */
  readonly encodeBatch?: Wire["encodeBatch"];
  /** The duty of the shard's alarm that `Core.arm` appoints; answers when it is next due. */
  readonly run?: (now: number) => number | undefined | Promise<number | undefined>;
};

/** The parts of a shard that its front may use. */
export type Core = {
  readonly env: RingcastEnv;
  readonly config: Config;
  readonly shard: ShardAddress;
  readonly connections: Connections;
  readonly subscriptions: Subscriptions;
  readonly broadcast: Broadcast;
  readonly verifier: Verifier;
  readonly asker: Asker;
  readonly publisher: Publisher;
  readonly counters: Counters;
  /** Carries out a frame of a session that came by another way than a WebSocket. */
  readonly receive: (session: Session, frame: Frame) => Promise<void>;
  /** The shards of the ring, as far as this shard knows. */
  readonly members: () => readonly Pick<ShardSpec, "id" | "region">[];
  /** Whether there is an object of such a shard, as far as this shard knows, also of one that was removed. */
  readonly isShard: (named: Pick<ShardSpec, "id" | "region">) => boolean;
  /** What channels have said and is on its way to sessions; see `Emitter`. */
  /** A call of the front's to another shard has failed (SPEC EL61). */
  readonly callFailed: (shard: ShardAddress, error: unknown) => void;
  readonly emitter: Pick<Emitter, "isIdle" | "sent">;
  /** For tables and keys that begin with the front's name. */
  readonly storage: DurableObjectStorage;
  /** Appoints `Service.run`, ms since 1970. */
  readonly arm: (at: number) => void;
  /** When the sessions are pinged next, ms since 1970, as the life before has left it; undefined if it had none. */
  readonly nextPingAt: () => number | undefined;
};
