import type { ClusterConfig } from "../config/cluster.ts";
import type { Connections } from "../shard/connections/connections.ts";
import type { Session } from "../shard/connections/session.ts";
import { PING } from "./engine.ts";

/**
 * Pings by timers, as a stock server does it: for clients that poll, whose sessions keep the shard awake anyway, and
 * with `heartbeat: "timer"` for all (SPEC SO24). All others are pinged by the shard's alarm, and may sleep.
 */
export class Heartbeat {
  readonly #isForAll: boolean;
  readonly #connections: Connections;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #timers = new WeakMap<Session, ReturnType<typeof setTimeout>>();

  constructor(connections: Connections, { socketio, times }: Pick<ClusterConfig, "socketio" | "times">) {
    this.#connections = connections;
    this.#isForAll = socketio.heartbeat === "timer";
    this.#intervalMs = times.pingIntervalMs;
    this.#timeoutMs = socketio.pingTimeoutMs;
  }

  /** A session begins, or goes on over a WebSocket. */
  begin(session: Session): void {
    this.end(session);
    session.pingedBy = this.#isForAll || "inMemory" in session.socket ? "front" : "alarm";
    if (session.pingedBy === "front") this.#wait(session, this.#intervalMs, () => this.#ping(session));
  }

  end(session: Session): void {
    const timer = this.#timers.get(session);
    if (timer !== undefined) clearTimeout(timer);
    this.#timers.delete(session);
  }

  /** The client has answered a ping. */
  answered(session: Session): void {
    session.answeredAt = Date.now();
    if (session.pingedBy === "front") this.begin(session);
  }

  #ping(session: Session): void {
    const pingedAt = Date.now();
    this.#connections.send(session, PING);
    const late = (): void => {
      // Its answer may wait behind a frame that takes long.
      if (session.busy > 0 && session.lastFrameAt >= pingedAt) this.#wait(session, this.#timeoutMs, late);
      else this.#connections.end(session, "noPong");
    };
    this.#wait(session, this.#timeoutMs, late);
  }

  #wait(session: Session, ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      if (!session.ended) then();
    }, ms);
    this.#timers.set(session, timer);
  }
}
