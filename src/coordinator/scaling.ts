import type { Config } from "../config/config.ts";
import { REGION_MIN, regionsToOpen } from "../config/regions.ts";
import type { Change, ChangeAnswer } from "../contracts/change.ts";
import type { FailedCalls, ScaleDecision, ScaleMode, ScaleReport } from "../contracts/scale.ts";
import { decide } from "../elastic/decide.ts";
import { NO_MEMORY, type Decision, type Member, type ScalePolicy } from "../elastic/policy.ts";
import { logError } from "../platform/logger.ts";
import type { Timetable } from "../platform/timetable.ts";
import type { Descriptor } from "../ring/descriptor.ts";
import { Callers } from "./callers.ts";
import type { ChangeOptions, Changes } from "./changes.ts";
import { forget, membersOf, ownAfter, suggestionOf, type ScaleState } from "./scale-state.ts";
import type { Live } from "./live.ts";
import type { Members } from "./members.ts";
import { movingUntil } from "./moving-until.ts";
import type { Store } from "./store.ts";

export const AUTOSCALE = "autoscale";
const REMEMBERED = 50;

export type ScalingParts = {
  readonly storage: DurableObjectStorage;
  readonly config: Config;
  readonly store: Store;
  readonly members: Members;
  readonly live: Pick<Live, "isWatched" | "say">;
  readonly changes: Pick<Changes, "change">;
  readonly timetable: Pick<Timetable<"scale">, "set" | "at">;
};

/** Runs the scaling policy over what shards report, and carries out what it decides (SPEC EL). */
export class Scaling {
  readonly #parts: ScalingParts;
  #state: ScaleState;
  readonly #callers: Callers;
  #looking: Promise<void> | undefined;

  constructor(parts: ScalingParts) {
    this.#parts = parts;
    this.#callers = new Callers(parts.config.cluster.times.healthReportMs);
    const { storage, store } = parts;
    const kept = storage.kv.get<ScaleState>("scale");
    // A cluster from before there was a policy keeps its shards until an operator has seen what the policy would do.
    const mode = store.isNew ? "on" : "suggest";
    this.#state = kept ?? { mode, memory: NO_MEMORY, own: {}, last: null, decisions: [] };
    if (kept === undefined && store.isNew) storage.kv.put("scale", this.#state);
  }

  get mode(): ScaleMode {
    return this.#parts.config.cluster.scale.mode ?? this.#state.mode;
  }

  /** An operator chooses the mode; refused where the configuration has one. */
  async choose({ mode, by }: { mode: ScaleMode; by: string }, now: number): Promise<boolean> {
    if (this.#parts.config.cluster.scale.mode !== undefined) return false;
    this.#keep({ ...this.#state, mode, chosen: { by, at: now } });
    await this.look(now);
    return true;
  }

  /** An operator has changed some shards: the policy leaves them alone from now on. */
  touched(change: Change): void {
    const own = forget(this.#state.own, change);
    if (own !== this.#state.own) this.#keep({ ...this.#state, own });
  }

  /** A shard has told which calls its callers have seen fail; the look that follows its report takes them in. */
  callersSaw(failed: readonly FailedCalls[] | undefined, now: number): void {
    if (failed === undefined) return;
    const ids = this.#parts.store.descriptor.shards.map(({ id }) => id);
    this.#callers.heard(failed, { ids, now });
  }

  /** Looks at the loads. A look that is asked for during another follows it. Does not reject. */
  look(now: number): Promise<void> {
    this.#looking = this.#lookAfter(this.#looking, now);
    return this.#looking;
  }

  async #lookAfter(before: Promise<void> | undefined, now: number): Promise<void> {
    await before;
    try {
      await this.#look(now);
    } catch (error) {
      logError("the scaling policy failed", { error });
    }
    const { live } = this.#parts;
    if (live.isWatched) live.say({ kind: "scale", at: now, report: this.report() });
  }

  /** The full weights of the shards that join in steps, by id. */
  joining(): Map<string, number> {
    const { own } = this.#state;
    return new Map(
      this.#parts.store.descriptor.shards.flatMap(({ id, weight }) => {
        const fullWeight = own[id]?.fullWeight ?? weight;
        return weight < fullWeight ? [[id, fullWeight]] : [];
      }),
    );
  }

  report(): ScaleReport {
    const { timetable } = this.#parts;
    const { min, max, mark, target } = this.#policy;
    const { last, decisions, chosen = null } = this.#state;
    return {
      mode: this.mode,
      chosen: this.#parts.config.cluster.scale.mode === undefined ? chosen : null,
      min,
      max,
      mark,
      target,
      shards: this.#membersAt(Date.now()).map(
        ({ since: _since, state: _state, load, callers, ...shard }) => ({
          ...shard,
          ...(callers === undefined
            ? {}
            : { callers: { overloaded: callers.overloaded, silent: callers.silent } }),
          load: load ?? null,
        }),
      ),
      last,
      decisions,
      looksAgainAt: timetable.at("scale") ?? null,
    };
  }

  get #policy(): ScalePolicy {
    const { config, store } = this.#parts;
    const { scale, shards, times } = config.cluster;
    // The shards that an operator has left are the fewest: the policy brings back none that an operator has drained.
    const own = store.descriptor.shards.filter(
      ({ id, state }) => state !== "draining" && this.#state.own[id] === undefined,
    );
    const min = scale.min ?? Math.max(1, own.length);
    const { regionMin = REGION_MIN } = scale;
    const { defaultRegion } = store.descriptor;
    const opens = regionsToOpen({ ...shards, defaultRegion, regionMin: scale.regionMin });
    return { ...scale, min, max: shards.max, reportMs: times.healthReportMs, regionMin, opens };
  }

  async #look(now: number): Promise<void> {
    const { store, timetable } = this.#parts;
    const { mode } = this;
    if (mode === "off") return timetable.set("scale", undefined);
    const { memory: before } = this.#state;
    const { epoch } = store.descriptor;
    const { decision, memory, askAgainAt } = decide({
      members: this.#membersAt(now),
      defaultRegion: store.descriptor.defaultRegion,
      policy: this.#policy,
      memory: before,
      movingUntil: this.#movingUntil(now),
      now,
    });
    const { kind, reason } = decision;
    if (decision.kind === "hold" || mode === "suggest") {
      const change = suggestionOf(decision);
      this.#remember({ at: now, kind, reason, done: false, ...(change === undefined ? {} : { change }) });
      this.#keep({ ...this.#state, memory: { ...memory, decisions: before.decisions } });
      return timetable.set("scale", askAgainAt);
    }
    // With the epoch, in one turn: a crash in between MUST NOT leave a shard that nobody drains.
    const onCommit = (descriptor: Descriptor): void => {
      const last: ScaleDecision = { at: now, kind, reason, done: true };
      const { initialWeight: fullWeight } = this.#parts.config.cluster.shards;
      const about = { decision, before: store.descriptor, descriptor, fullWeight, now };
      const own = ownAfter(this.#state.own, about);
      const decisions = [last, ...this.#state.decisions].slice(0, REMEMBERED);
      this.#keep({ ...this.#state, memory, own, last, decisions });
    };
    const isStillWanted = (): boolean => store.descriptor.epoch === epoch;
    const answer = await this.#change(decision, { onCommit, isStillWanted });
    if (answer.kind === "done" && answer.result.changed)
      return timetable.set("scale", this.#movingUntil(Date.now()) ?? now);
    // The decision was about a ring that another change has replaced meanwhile.
    if (!isStillWanted()) return timetable.set("scale", now);
    const problem = answer.kind === "done" ? "the ring was so already" : answer.message;
    this.#remember({ at: now, kind, reason: `${reason}: ${problem}`, done: false });
    return timetable.set("scale", now + this.#policy.reportMs);
  }

  #membersAt(now: number): Member[] {
    const { store } = this.#parts;
    return membersOf(store.descriptor, this.#state.own, this.#parts).map((member) => {
      const callers = this.#callers.of(member.id, now);
      return callers === undefined ? member : { ...member, callers };
    });
  }

  #change(
    decision: Exclude<Decision, { kind: "hold" }>,
    options: Pick<ChangeOptions, "onCommit" | "isStillWanted">,
  ): Promise<ChangeAnswer> {
    const { config, changes } = this.#parts;
    const change = toChange(decision, config.cluster.shards.initialWeight);
    const cause = `${AUTOSCALE}: ${decision.reason}`;
    return changes.change({ change, dryRun: false, by: AUTOSCALE }, { cause, ...options });
  }

  #movingUntil(now: number): number | undefined {
    const { config, store } = this.#parts;
    const { moves: pace, scale } = config.cluster;
    return movingUntil(store.epochs(1)[0], { pace, lastMovesMs: scale.lastMovesMs, now });
  }

  /** A repetition of the last decision costs no row. */
  #remember(decision: ScaleDecision): void {
    const { last } = this.#state;
    if (last?.kind === decision.kind && last.reason === decision.reason && last.done === decision.done)
      return;
    this.#keep({ ...this.#state, last: decision });
  }

  #keep(state: ScaleState): void {
    const changed = JSON.stringify(state) !== JSON.stringify(this.#state);
    this.#state = state;
    if (changed) this.#parts.storage.kv.put("scale", state);
  }
}

function toChange(decision: Exclude<Decision, { kind: "hold" }>, fullWeight: number): Change {
  switch (decision.kind) {
    case "add": {
      const weight = Math.max(1, Math.round(fullWeight * decision.part));
      return { kind: "add", count: decision.count, region: decision.region, weight };
    }
    case "step":
      return { kind: "weights", ids: decision.ids, weight: decision.weight };
    case "drain":
      return { kind: "drain", id: decision.ids[0] };
    case "back":
      // A shard that does not answer cannot say that it is empty.
      return { kind: "remove", id: decision.ids[0] };
  }
}
