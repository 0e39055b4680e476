import type { Ring } from "../../ring/ring.ts";
import type { ClusterConfig } from "../../config/cluster.ts";
import type { ShardAddress } from "../../contracts/address.ts";
import { logError } from "../../platform/logger.ts";
import type { Connections } from "../connections/connections.ts";
import type { Session } from "../connections/session.ts";
import { mustMove, type Membership } from "./membership.ts";
import { movesHome, movesUnderWay, planPace, stepMoves, type Budget, type Leaving } from "./pace.ts";

/** Fine enough that a tick's part of 100 a second is a handful. */
const TICK_MS = 100;
/** After moves that could not be written down. */
const TELL_AGAIN_MS = 2_000;

/** How many sessions were closed since an epoch was adopted. */
export type MovesDone = { readonly ringEpoch: number; readonly moved: number };

export type MigrationParts = {
  readonly shard: ShardAddress;
  readonly connections: Connections;
  readonly membership: Membership;
  readonly limits: ClusterConfig["moves"];
  /** Every session that had to leave for an epoch has left, or a newer epoch has taken its place. */
  readonly onDone: (done: MovesDone) => void;
};

/**
 * Moves the sessions that this shard no longer owns, at the pace that the destinations can take (SPEC MV).
 *
 * Runs on timers, so the object stays awake until it is through. A newer ring while it runs is simply the ring that it
 * goes by from then on.
 */
export class Migration {
  readonly #parts: MigrationParts;
  #run: Run | undefined;
  /** The ring by which no session had to leave. */
  #finished: Ring | undefined;
  /** The ring whose moves were told. */
  #told: Ring | undefined;

  constructor(parts: MigrationParts) {
    this.#parts = parts;
  }

  get running(): boolean {
    return this.#run !== undefined;
  }

  /** Whether no session has to leave by the present ring. */
  get settled(): boolean {
    const { ring } = this.#parts.membership;
    if (ring === undefined || this.#run !== undefined) return false;
    return this.#finished === ring || this.#leaving(ring).length === 0;
  }

  /**
   * Starts moving for the present ring. The pace follows from the rings whose moves may be under way; where the
   * descriptor does not name them, from `before`, the ring until now.
   */
  start(before: Ring | undefined): void {
    const { ring } = this.#parts.membership;
    if (ring === undefined || this.#run?.ring === ring) return;
    const superseded = this.#run;
    if (superseded !== undefined) {
      if (superseded.timer !== null) clearTimeout(superseded.timer);
      this.#tell(superseded);
    }
    const leaving = this.#leaving(ring);
    if (leaving.length === 0 && this.#finished === ring) return;
    const now = Date.now();
    this.#run = {
      ring,
      leaving,
      pace: this.#pace(before, ring, leaving),
      budget: { total: 0, byDestination: new Map() },
      startedAt: now,
      tickedAt: now - TICK_MS,
      moved: 0,
      timer: null,
    };
    this.#tick(this.#run);
  }

  /** Guests have to go home by the same ring (SPEC EL71): with the sessions that leave now, or from the next start on. */
  sendHome(): void {
    this.#finished = undefined;
    const run = this.#run;
    if (run === undefined || run.ring !== this.#parts.membership.ring) return;
    run.leaving = this.#leaving(run.ring);
    run.pace = this.#pace(undefined, run.ring, run.leaving);
  }

  #leaving(ring: Ring): Leaving<Session>[] {
    const leaving: Leaving<Session>[] = [];
    for (const session of this.#parts.connections.sessions) {
      const { attachment } = session;
      if (!mustMove(ring, this.#parts.shard.name, attachment)) continue;
      const destination = ring.owner(attachment.key, attachment.clientRegion)?.id ?? "";
      leaving.push({ item: session, destination });
    }
    return shuffle(leaving);
  }

  #pace(before: Ring | undefined, ring: Ring, leaving: readonly Leaving<Session>[]): Map<string, number> {
    const { shard, limits } = this.#parts;
    const destinations = new Set(leaving.map(({ destination }) => destination));
    if (leaving.length === 0) return new Map();
    const guests = leaving.filter(({ item }) => goesHome(item, ring));
    const homes = new Set(guests.map(({ destination }) => destination));
    return planPace({
      shard: shard.id,
      destinations,
      moves: [...movesUnderWay(ring, before), ...movesHome(ring, homes)],
      limits,
    });
  }

  #tick(run: Run): void {
    const { connections, limits } = this.#parts;
    const now = Date.now();
    const outOfPatience = now - run.startedAt > limits.busyWaitMs;
    const step = stepMoves({
      leaving: run.leaving.filter(({ item }) => !item.ended),
      // A frame that is being carried out gets its answer first.
      ready: (session) => session.busy === 0 || outOfPatience,
      pace: run.pace,
      perSecondFromOneShard: limits.perSecondFromOneShard,
      budget: run.budget,
      // With jitter, so that sources do not close in step.
      elapsedMs: (now - run.tickedAt) * (0.75 + Math.random() / 4),
    });
    run.moved += step.now.filter((session) => !goesHome(session, run.ring)).length;
    for (const session of step.now) {
      const detail = `moved, epoch ${run.ring.descriptor.epoch}`;
      connections.end(session, "moved", { detail, moving: true });
    }
    run.leaving = step.later;
    run.budget = step.budget;
    run.tickedAt = now;
    if (run.leaving.length > 0) {
      run.timer = setTimeout(() => this.#tick(run), TICK_MS);
      return;
    }
    this.#run = undefined;
    this.#finished = run.ring;
    this.#tell(run);
  }

  /** Guests that have gone home are no moves of the epoch. */
  #tell(run: Run): void {
    const { ring, moved } = run;
    const ringEpoch = ring.descriptor.epoch;
    try {
      if (moved > 0 || this.#told !== ring) this.#parts.onDone({ ringEpoch, moved });
      this.#told = ring;
    } catch (error) {
      logError("moves could not be written down, and are told later", { ringEpoch, moved, error });
      setTimeout(() => this.#tell(run), TELL_AGAIN_MS);
    }
  }
}

/** Whether a session leaves because its region answers again, and by no change of the ring. */
const goesHome = ({ attachment: { guestOf } }: Session, ring: Ring): boolean =>
  guestOf?.isOver === true && guestOf.ringEpoch === ring.descriptor.epoch;

type Run = {
  readonly ring: Ring;
  readonly startedAt: number;
  pace: ReadonlyMap<string, number>;
  leaving: Leaving<Session>[];
  budget: Budget;
  tickedAt: number;
  moved: number;
  timer: ReturnType<typeof setTimeout> | null;
};

function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
