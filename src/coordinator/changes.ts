import type { Config } from "../config/config.ts";
import { type ShardAddress, addressKey } from "../contracts/address.ts";
import type { ChangeAnswer, ChangeRequest, ChangeResult, PredictedMoves } from "../contracts/change.ts";
import type { Registration } from "../contracts/log.ts";
import { CONTRACT } from "../contracts/version.ts";
import type { Events } from "../events/events.ts";
import { askAll } from "../fanout/ask-all.ts";
import { configuredDescriptor } from "../platform/configured.ts";
import type { Timetable } from "../platform/timetable.ts";
import { buildRing } from "../ring/build.ts";
import { nextEarlier, nextFormer, type Descriptor } from "../ring/descriptor.ts";
import { diff } from "../ring/diff.ts";
import type { Live } from "./live.ts";
import { idsOf, type Members } from "./members.ts";
import { planChange } from "./plan-change.ts";
import { movesKey, type Store } from "./store.ts";

/** How long an operator waits for shards that do not answer. */
const PREDICT_MS = 3_000;
const TELL_MS = 5_000;
/** Between two attempts to tell a shard: half as long as the epoch is old (SPEC BD41). */
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 3_600_000;

const NOTHING_MOVES: PredictedMoves = { moving: 0, from: {}, to: {}, unknown: [] };
const NOBODY_TOLD = { shards: 0, pending: [] } as const;

type NewEpoch = {
  readonly descriptor: Descriptor;
  readonly cause: string;
  readonly by: string;
  readonly predicted: PredictedMoves;
};

export type ChangeOptions = {
  readonly cause?: string;
  readonly onCommit?: (descriptor: Descriptor) => void;
  readonly isStillWanted?: () => boolean;
};

export type ChangesParts = {
  readonly env: RingcastEnv;
  readonly config: Config;
  readonly store: Store;
  readonly members: Members;
  readonly timetable: Pick<Timetable<"tell">, "arm" | "at">;
  readonly events: Pick<Events, "record">;
  readonly live: Live;
  /** A new registration of a shard's object with the broadcast channel. */
  readonly renew: (shard: ShardAddress) => Registration;
  readonly waitUntil: (promise: Promise<unknown>) => void;
};

/** Changes of the ring: planned, predicted, committed as an epoch, and told to every shard (SPEC MB). */
export class Changes {
  readonly #parts: ChangesParts;
  /** The end of the changes that were asked for: each sees the one before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ChangesParts) {
    this.#parts = parts;
  }

  /**
   * `cause`: in place of a description of the change. `onCommit` is called in the turn that commits the epoch, before
   * the store has it. `isStillWanted` is asked once the changes before are made: where it says no, nothing changes.
   */
  change(request: ChangeRequest, options: ChangeOptions = {}): Promise<ChangeAnswer> {
    const answer = this.#last.then(() => this.#change(request, options));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** The duty of the coordinator's alarm; answers when it is next due. */
  async retry(): Promise<number | undefined> {
    const { pending } = await this.#tell();
    if (pending.length === 0) return undefined;
    const now = Date.now();
    const ageMs = now - this.#parts.store.changedAt;
    return now + Math.min(Math.max(ageMs / 2, RETRY_FIRST_MS), RETRY_LAST_MS);
  }

  async #change(
    { change, dryRun, by }: ChangeRequest,
    { cause: given, onCommit, isStillWanted = () => true }: ChangeOptions,
  ): Promise<ChangeAnswer> {
    const { config, store } = this.#parts;
    const before = store.descriptor;
    const plan = planChange(change, {
      descriptor: before,
      used: store.usedIds(),
      earlier: change.kind === "rollback" ? store.at(change.ringEpoch) : undefined,
      oldestEpoch: store.oldestEpoch,
      shardsMax: config.cluster.shards.max,
      weight: config.cluster.shards.initialWeight,
      jurisdiction: config.cluster.shards.jurisdiction,
    });
    if (plan.kind === "refused") return plan;
    const cause = given ?? plan.cause;
    if (plan.kind === "unchanged" || !isStillWanted()) {
      return done({ descriptor: before, cause, by, predicted: NOTHING_MOVES }, { changed: false, dryRun });
    }
    const descriptor = {
      ...plan.descriptor,
      earlier: nextEarlier(before, { settled: this.#isSettled() }),
      ...nextFormer(before, plan.descriptor),
    };
    const predicted = await this.#predict(descriptor);
    const epoch = { descriptor, cause, by, predicted };
    const told = dryRun ? NOBODY_TOLD : await this.#adopt(epoch, onCommit);
    return done(epoch, { changed: true, dryRun, told, diff: diff(buildRing(before), buildRing(descriptor)) });
  }

  /** Whether every shard has said that its moves to the present epoch are done. */
  #isSettled(): boolean {
    const { store, members } = this.#parts;
    const settled = store.settledShards();
    const keys = members.holders().map(movesKey);
    // Where a shard that was removed has come back in another region, one report would count for both objects.
    return new Set(keys).size === keys.length && keys.every((key) => settled.has(key));
  }

  /** In the first turn of a life: the appointment for shards that were not told may be missing that could not be stored. */
  wake(): void {
    const { store, timetable, waitUntil } = this.#parts;
    if (timetable.at("tell") === undefined && store.untold().length > 0)
      waitUntil(timetable.arm("tell", Date.now() + RETRY_FIRST_MS));
  }

  async #adopt(epoch: NewEpoch, onCommit?: ChangeOptions["onCommit"]): Promise<ChangeResult["told"]> {
    const { config, store, timetable, events, live, waitUntil } = this.#parts;
    const { epoch: ringEpoch, shards } = epoch.descriptor;
    // Also the shards that leave, and the configured shards, where a cold router asks.
    const tell = [...shards, ...store.descriptor.shards, ...configuredDescriptor(config).shards];
    // In the same turn as the commit, so that a crash in between cannot forget the shards that are to be told.
    const armed = timetable.arm("tell", Date.now() + RETRY_FIRST_MS + TELL_MS);
    onCommit?.(epoch.descriptor);
    store.commit({ ...epoch, at: Date.now(), tell }, () =>
      events.record({ type: "shards", ringEpoch, cause: epoch.cause, by: epoch.by, shards }),
    );
    await armed;
    const { earlier: _earlier, ...descriptor } = epoch.descriptor;
    live.say({ kind: "epoch", at: Date.now(), ...epoch, descriptor });
    const told = await this.#tell();
    // A shard that has just joined is watched as well.
    waitUntil(live.pass());
    if (told.pending.length === 0) return told;
    await timetable.arm("tell", Date.now() + RETRY_FIRST_MS);
    live.say({ kind: "untold", at: Date.now(), ringEpoch, shards: told.pending });
    return told;
  }

  /** Shows the present descriptor to every shard that does not know it (SPEC MB6). */
  async #tell(): Promise<ChangeResult["told"]> {
    const { env, store, members, renew } = this.#parts;
    const { descriptor } = store;
    const holders = members.holderKeys();
    const untold = store.untold();
    /** How many fronts of a shard have not answered yet. */
    const open = new Map(untold.map(({ id }) => [id, members.fronts.length]));
    await askAll(
      env,
      untold.flatMap((shard) => members.objectsOf(shard)),
      {
        waitMs: TELL_MS,
        // Also an answer that comes after the time counts.
        ask: async (stub, shard) => {
          const registration = holders.has(addressKey(shard)) ? renew(shard) : undefined;
          await stub.adopt(descriptor, registration, CONTRACT);
          const left = (open.get(shard.id) ?? 1) - 1;
          open.set(shard.id, left);
          if (left === 0) store.told(shard, descriptor.epoch);
        },
      },
    );
    const told = [...open.values()].filter((left) => left === 0).length;
    return { shards: told, pending: idsOf(store.untold()) };
  }

  async #predict(descriptor: Descriptor): Promise<PredictedMoves> {
    const { env, members } = this.#parts;
    const holders = members.holders();
    const { answers, silent } = await askAll(env, holders, {
      waitMs: PREDICT_MS,
      ask: (stub) => stub.predict(descriptor, CONTRACT),
    });
    const from: Record<string, number> = {};
    const to: Record<string, number> = {};
    for (const shard of holders) {
      const prediction = answers.get(addressKey(shard));
      if (prediction === undefined) continue;
      if (prediction.sessions > 0) from[shard.id] = (from[shard.id] ?? 0) + prediction.sessions;
      for (const [id, count] of Object.entries(prediction.to)) to[id] = (to[id] ?? 0) + count;
    }
    const moving = Object.values(from).reduce((sum, count) => sum + count, 0);
    return { moving, from, to, unknown: idsOf(silent) };
  }
}

const done = (
  { descriptor, cause, predicted }: NewEpoch,
  result: Pick<ChangeResult, "changed" | "dryRun"> & Partial<Pick<ChangeResult, "told" | "diff">>,
): ChangeAnswer => ({
  kind: "done",
  result: {
    ringEpoch: descriptor.epoch,
    cause,
    shards: descriptor.shards,
    predicted,
    diff: null,
    told: NOBODY_TOLD,
    ...result,
  },
});
