import type { ShardAddress } from "../../contracts/address.ts";
import type { MovesReport } from "../../contracts/coordinator.ts";
import type { FailedCalls } from "../../contracts/scale.ts";
import type { ShardStatus } from "../../contracts/shard.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub, within } from "../../platform/calls.ts";
import { Failures } from "../../platform/failures.ts";
import { logError } from "../../platform/logger.ts";
import type { Descriptor } from "../../ring/descriptor.ts";
import type { ShardLoad } from "../records/load.ts";
import type { Guests } from "./guests.ts";
import type { MovesDone } from "./migration.ts";

/** How long a shard waits for the coordinator. */
export const COORDINATOR_WAIT_MS = 3_000;
const RETRY_MS = 5_000;
/** The moves of so many epochs wait for a coordinator that does not answer. */
const MOVES_KEPT = 100;
/** Between two reports of a load that is high. */
const HURRY_MS = 5_000;
const LOOK_AFTER_MS = 100;

export type ReportsParts = {
  readonly storage: DurableObjectStorage;
  readonly env: RingcastEnv;
  readonly shard: ShardAddress;
  readonly intervalMs: number;
  readonly load: ShardLoad;
  readonly guests: Guests;
  readonly status: () => ShardStatus;
  /** The shard is draining, has no session, and moves none. */
  readonly isDrained: () => boolean;
  /** The coordinator has shown another descriptor than the shard's. */
  readonly onDescriptor: (descriptor: Descriptor) => Promise<void>;
  readonly arm: (at: number) => void;
};

/** The reports of this shard to the coordinator: its counters, its moves, and that it is drained and empty. */
export class Reports {
  readonly #parts: ReportsParts;
  /** When the last report went out, or the next one goes out, before its time; 0 in a new life. */
  #hurriedAt = 0;
  /** When the load was last looked at for the work of the shard; a new life has none yet. */
  #workedAt = Date.now();
  readonly #failures = new Failures();
  /** See `ReportAnswer.bound`. A new life has none until its first report. */
  bound = Number.POSITIVE_INFINITY;

  constructor(parts: ReportsParts) {
    this.#parts = parts;
  }

  /** Sessions have moved; told until the coordinator has heard it. */
  moved(done: MovesDone): void {
    const { storage, shard, arm } = this.#parts;
    storage.kv.put("moves", [...this.#moves, { shard: shard.id, ...done }].slice(-MOVES_KEPT));
    arm(Date.now());
  }

  /** Reports when the counters have changed, at most once in an interval. An idle shard is silent (SPEC BD52). */
  look(now: number): void {
    const { storage, status: statusOf, load, intervalMs, arm } = this.#parts;
    const last = storage.kv.get<{ at: number; status: ShardStatus }>("reported");
    const status = statusOf();
    if (countersOf(last?.status) === countersOf(status)) return;
    arm(Math.max(now, (last?.at ?? 0) + intervalMs));
    if (status.load !== undefined && load.isHigh(status.load)) this.hurry(now);
  }

  /**
   * The load is high, or connections were refused or handed on: reports before its time, at most every {@link HURRY_MS}.
   */
  hurry(now: number): void {
    if (now < this.#hurriedAt) return;
    this.#hurriedAt = Math.max(now, this.#hurriedAt + HURRY_MS);
    this.#parts.arm(this.#hurriedAt);
  }

  /** The shard works: looks at its load at most every {@link HURRY_MS}, and tells a high one before its time (SPEC EL72). */
  worked(now: number): void {
    if (now < this.#workedAt + HURRY_MS) return;
    this.#workedAt = now;
    // The work itself waits for no look at the load.
    setTimeout(() => {
      const { load } = this.#parts;
      if (load.isHigh(load.status())) this.hurry(Date.now());
    }, LOOK_AFTER_MS);
  }

  /** A call of this shard to another has failed. */
  callFailed(shard: ShardAddress, error: unknown): void {
    this.#failures.note(shard, error);
    this.hurry(Date.now());
  }

  /** A caller of this shard has seen calls fail at others; told with the next report (SPEC EL61). */
  callersSaw(failed: readonly FailedCalls[]): void {
    this.#failures.add(failed);
    this.hurry(Date.now());
  }

  /** The duty of the shard's alarm; answers when it is next due. */
  async run(now: number): Promise<number | undefined> {
    const { storage, env, shard, load, guests, status: statusOf, isDrained, onDescriptor } = this.#parts;
    const moves = this.#moves;
    const status = statusOf();
    const failed = this.#failures.drain();
    try {
      const { descriptor, bound, elsewhere } = await within(
        COORDINATOR_WAIT_MS,
        coordinatorStub(env).report(
          { shard, status: { ...status, sentAt: now }, moves, ...(failed === undefined ? {} : { failed }) },
          CONTRACT,
        ),
      );
      storage.kv.put("reported", { at: now, status: countedIn(status) });
      this.bound = bound ?? Number.POSITIVE_INFINITY;
      if (status.load !== undefined) load.told(status.load);
      const told = new Set(moves.map(keyOf));
      const untold = this.#moves.filter((one) => !told.has(keyOf(one)));
      storage.kv.put("moves", untold);
      if (descriptor !== null) await onDescriptor(descriptor);
      if (isDrained()) {
        await within(COORDINATOR_WAIT_MS, coordinatorStub(env).drained(shard.id, CONTRACT));
      }
      const asksAgainAt = guests.heard(elsewhere, status.ringEpoch, Date.now());
      return untold.length > 0 ? now : asksAgainAt;
    } catch (error) {
      this.#failures.add(failed ?? []);
      logError("the coordinator did not take a report", { shard: shard.id, error });
      return now + RETRY_MS;
    }
  }

  get #moves(): readonly MovesReport[] {
    return this.#parts.storage.kv.get<MovesReport[]>("moves") ?? [];
  }
}

/** The same moves may be told again; of the moves that wait the oldest may have been dropped meanwhile. */
const keyOf = ({ shard, ringEpoch, moved }: MovesReport): string => `${shard} ${ringEpoch} ${moved}`;

/** A look at the status is a usage too, and no news. */
const countedIn = ({ usage: _usage, ...status }: ShardStatus): ShardStatus => status;

/** The counters of a status, to be compared. A sleep changes `wokeAt` and no counter. */
const countersOf = (status: ShardStatus | undefined): string =>
  JSON.stringify({ ...(status === undefined ? {} : countedIn(status)), wokeAt: 0 });
