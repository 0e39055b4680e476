import type { Core } from "../shard/front.ts";
import type { EndReason } from "../shard/connections/end-reasons.ts";
import type { Session } from "../shard/connections/session.ts";
import { refuse, taken, tooLarge } from "./answers.ts";
import { frameOf, parsePayload } from "./engine.ts";
import { Leaving } from "./leaving.ts";
import { PollingPeer } from "./polling-peer.ts";
import { readBody } from "./read-body.ts";
import { SessionIndex } from "./session-index.ts";
import { stateOf } from "./state.ts";
import type { Upgrade } from "./upgrade.ts";

/** A request with a `sid`, as the router tells it. */
export type PollingRequest = {
  readonly sid: string;
  readonly transport: "polling" | "websocket";
  readonly isUpgrade: boolean;
  /** The version of the protocol is the one of the session. */
  readonly isOfVersion: boolean;
};

/** Ends after which the client still gets its last packets. After any other the session is unknown at once. */
const ORDERLY: ReadonlySet<EndReason | undefined> = new Set([
  undefined,
  "moved",
  "expired",
  "subscriptionExpired",
  "stale",
]);

/** The requests of sessions that poll, or did (SPEC SO20, SO21). */
export class Polling {
  readonly #core: Core;
  readonly #index: SessionIndex;
  readonly #leaving: Leaving;
  readonly #upgrade: Upgrade;

  constructor(core: Core, upgrade: Upgrade) {
    this.#core = core;
    this.#index = new SessionIndex(core.connections.sessions, (session) => stateOf(session).sid);
    this.#leaving = new Leaving(core.config.cluster.limits.queuedBytesPerShard / 8);
    this.#upgrade = upgrade;
  }

  /** A session has its state. */
  began(session: Session): void {
    this.#index.add(session);
  }

  /** A session ends; its peer is closed after this. */
  ended(session: Session, why: EndReason | undefined): void {
    this.#index.delete(session);
    this.#upgrade.abandon(session);
    const { socket: peer } = session;
    if (!(peer instanceof PollingPeer)) return;
    peer.reading?.abort();
    if (peer.isOwed && ORDERLY.has(why)) this.#leaving.add(stateOf(session).sid, peer);
    // Nobody will fetch them, and the socket that the client may be changing over to keeps the peer for a while.
    else if (!peer.isHeld) peer.take();
  }

  /** Answers a request, with the checks of a stock server in its order. */
  async request(
    { sid, transport, isUpgrade, isOfVersion }: PollingRequest,
    request: Request,
  ): Promise<Response> {
    const session = this.#index.find(sid);
    if (session === undefined) {
      const isPoll = !isUpgrade && transport === "polling" && isOfVersion;
      return isPoll ? this.#afterTheEnd(sid, request.method) : refuse("unknownSession");
    }
    const { socket: peer } = session;
    const isPolling = peer instanceof PollingPeer;
    if (!isUpgrade && isPolling !== (transport === "polling")) return refuse("badRequest");
    if (!isOfVersion) return refuse("badRequest");
    if (isUpgrade) return this.#upgrade.begin(session);
    if (!isPolling) return refuse("badRequest");
    if (request.method === "GET") return this.#get(session, peer);
    if (request.method === "POST") return this.#post(session, peer, request);
    return refuse("badMethod");
  }

  async #afterTheEnd(sid: string, method: string): Promise<Response> {
    const peer = this.#leaving.find(sid);
    if (peer === undefined) return refuse("unknownSession");
    // The client does not know yet that its packets reach nobody.
    if (method === "POST") return taken();
    if (method !== "GET") return refuse("badMethod");
    const answer = await peer.poll();
    if (!peer.isClosing) this.#leaving.delete(sid);
    return answer;
  }

  async #get(session: Session, peer: PollingPeer): Promise<Response> {
    if (!peer.isHeld) return peer.poll();
    return this.#end(session);
  }

  async #post(session: Session, peer: PollingPeer, request: Request): Promise<Response> {
    // A client sends one body at a time, as text.
    if (peer.reading !== undefined || request.headers.get("content-type") === "application/octet-stream")
      return this.#end(session);
    peer.reading = new AbortController();
    const { frameBytes: maxBytes } = this.#core.config.cluster.limits;
    const body = await readBody(request, { maxBytes, signal: peer.reading.signal });
    peer.reading = undefined;
    if (body === "tooLarge") return tooLarge();
    // Meanwhile the session has ended, or goes on over a WebSocket.
    if (session.ended || session.socket !== peer) return refuse("badRequest");
    const payload = body === "broken" ? undefined : parsePayload(body.text);
    if (payload === undefined) return this.#end(session);
    let carriedOut = Promise.resolve();
    for (const packet of payload) {
      carriedOut = this.#core.receive(session, frameOf(packet));
      if (session.ended) return refuse("badRequest");
    }
    // After the answer to its own end, a client's session is unknown.
    if (payload.some(({ kind }) => kind === "close")) await carriedOut;
    return taken();
  }

  #end(session: Session): Response {
    this.#core.connections.end(session, "badRequest");
    return refuse("badRequest");
  }
}
