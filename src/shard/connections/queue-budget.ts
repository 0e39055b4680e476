import type { ClusterConfig } from "../../config/cluster.ts";
import { settle, type SendContext } from "./outbox.ts";
import type { Session } from "./session.ts";

/** A shard that has had too much queued for this long gives up its slowest readers. */
const PATIENCE_MS = 1_000;
/** Every session is looked at, so not too often. */
const LOOK_MS = 100;

/**
 * The bytes that all readers of a shard have left unread, as far as is known, and the bound on them (SPEC BD28): the
 * memory of an object is small, and each of its readers may be within its own bound.
 */
export class QueueBudget {
  readonly #limits: Pick<ClusterConfig["limits"], "queuedBytesPerShard">;
  readonly #context: SendContext;
  #lookedAt = 0;
  #overSince: number | undefined;

  constructor(limits: Pick<ClusterConfig["limits"], "queuedBytesPerShard">, context: SendContext) {
    this.#limits = limits;
    this.#context = context;
  }

  get isOver(): boolean {
    return this.#context.unread.bytes > this.#limits.queuedBytesPerShard;
  }

  /**
   * Finds what is really unread, where the half of the bound is reached. Answers with the readers to give up, the
   * slowest first: those that leave most unread, where the bound was passed for a second. `now`: ms since 1970.
   */
  look(sessions: Iterable<Session>, now: number): readonly Session[] {
    const { unread } = this.#context;
    if (unread.bytes <= this.#limits.queuedBytesPerShard / 2 || now - this.#lookedAt < LOOK_MS) return [];
    this.#lookedAt = now;
    const slow: Session[] = [];
    unread.bytes = 0;
    for (const session of sessions) {
      if (session.unprovenBytes === 0) continue;
      const owesSince = settle(session, now, this.#context);
      unread.bytes += session.unprovenBytes;
      if (owesSince !== undefined && now - owesSince >= PATIENCE_MS) slow.push(session);
    }
    if (!this.isOver) {
      this.#overSince = undefined;
      return [];
    }
    this.#overSince ??= now;
    return now - this.#overSince < PATIENCE_MS ? [] : this.#slowest(slow);
  }

  /** The bytes that a reader has left unread, as far as is known. One that nothing is known of is probed for the next time. */
  unreadOf(session: Session, now: number): number {
    const { unread } = this.#context;
    const before = session.unprovenBytes;
    settle(session, now, this.#context);
    unread.bytes += session.unprovenBytes - before;
    return session.unprovenBytes;
  }

  /** As many of the slowest as bring the rest to the bound. */
  #slowest(slow: readonly Session[]): readonly Session[] {
    let excess = this.#context.unread.bytes - this.#limits.queuedBytesPerShard;
    const given: Session[] = [];
    for (const session of slow.toSorted((a, b) => b.unprovenBytes - a.unprovenBytes)) {
      if (excess <= 0) break;
      given.push(session);
      excess -= session.unprovenBytes;
    }
    return given;
  }
}
