import { answerClose } from "../shard/connections/answer-close.ts";
import type { Connections } from "../shard/connections/connections.ts";
import { spend } from "../shard/connections/budgets.ts";
import type { Session } from "../shard/connections/session.ts";
import type { Frame } from "../shard/frame.ts";
import { refuse } from "./answers.ts";
import { parseEnginePacket, PROBED } from "./engine.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { PollingPeer } from "./polling-peer.ts";

/** A client that has not changed over by then stays with polling. */
const UPGRADE_TIMEOUT_MS = 10_000;
/** While a client changes over, a GET is held so long at most: the client waits for its end. */
const RELEASE_MS = 100;
/** Sockets for one session. A stock client opens one, and each may stay until its peer has answered the close. */
const MOST_SOCKETS = 8;

type Probe = {
  readonly session: Session;
  readonly peer: PollingPeer;
  timeout: ReturnType<typeof setTimeout>;
  releases: ReturnType<typeof setInterval> | undefined;
};

/** Polling sessions that go on over a WebSocket (SPEC SO22): the socket probes the way first, and then takes over. */
export class Upgrade {
  readonly #connections: Connections;
  readonly #heartbeat: Heartbeat;
  readonly #probes = new Map<WebSocket, Probe>();
  readonly #sockets = new Map<Session, WebSocket>();
  /** How many a session has had. */
  readonly #counts = new WeakMap<Session, number>();

  constructor(connections: Connections, heartbeat: Heartbeat) {
    this.#connections = connections;
    this.#heartbeat = heartbeat;
  }

  /** Accepts a socket for a session. One too many is closed at once: stock clients take a refusal for a crash. */
  begin(session: Session): Response {
    const { socket: peer } = session;
    const count = (this.#counts.get(session) ?? 0) + 1;
    if (count > MOST_SOCKETS) return refuse("badRequest");
    this.#counts.set(session, count);
    if (!(peer instanceof PollingPeer) || this.#sockets.has(session)) {
      const { 0: client, 1: server } = new WebSocketPair();
      server.accept();
      server.close();
      return new Response(null, { status: 101, webSocket: client });
    }
    const { socket, response } = this.#connections.acceptStranger();
    const timeout = this.#dropLater(socket);
    this.#probes.set(socket, { session, peer, timeout, releases: undefined });
    this.#sockets.set(session, socket);
    return response;
  }

  /** A frame of a socket that is no session's, or its end. */
  take(socket: WebSocket, frame: Frame | undefined): void {
    const probe = this.#probes.get(socket);
    if (probe === undefined) return;
    // Its frames cost what those of its session cost.
    const isAdmitted = spend(probe.session, "frames", { now: Date.now() });
    const packet = isAdmitted && typeof frame === "string" ? parseEnginePacket(frame) : undefined;
    if (packet?.kind === "ping" && packet.data === "probe" && !probe.session.ended) {
      socket.send(PROBED);
      probe.releases ??= setInterval(() => probe.peer.release(), RELEASE_MS);
    } else if (packet?.kind === "upgrade") this.#complete(socket, probe);
    else this.#drop(socket);
  }

  /**
   * The session has ended. A stock client whose probe was answered stops to poll, and if it lost the socket then, it would
   * wait for its pings to time out: the socket stays until the client is there, and hears of the end.
   */
  abandon(session: Session): void {
    const socket = this.#sockets.get(session);
    if (socket === undefined) return;
    const probe = this.#probes.get(socket);
    if (probe?.releases === undefined) return this.#drop(socket);
    clearInterval(probe.releases);
    clearTimeout(probe.timeout);
    probe.timeout = this.#dropLater(socket);
  }

  #complete(socket: WebSocket, { session, peer }: Probe): void {
    if (session.ended) {
      for (const frame of peer.take()) socket.send(frame);
      return this.#drop(socket);
    }
    this.#forget(socket);
    const waiting = peer.handOver();
    this.#connections.goOn(session, socket);
    this.#heartbeat.begin(session);
    this.#connections.send(session, waiting);
  }

  #dropLater(socket: WebSocket): Probe["timeout"] {
    return setTimeout(() => this.#drop(socket), UPGRADE_TIMEOUT_MS);
  }

  #drop(socket: WebSocket): void {
    this.#forget(socket);
    answerClose(socket, { code: 1000, reason: "" });
  }

  #forget(socket: WebSocket): void {
    const probe = this.#probes.get(socket);
    if (probe === undefined) return;
    clearTimeout(probe.timeout);
    if (probe.releases !== undefined) clearInterval(probe.releases);
    this.#probes.delete(socket);
    this.#sockets.delete(probe.session);
  }
}
