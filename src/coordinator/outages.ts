import type { ClusterConfig } from "../config/cluster.ts";
import { addressKey } from "../contracts/address.ts";
import { isPast, stepOutage, suspect, type OutageChange, type Watch } from "../elastic/outage.ts";
import { whoAnswers } from "../fanout/who-answers.ts";
import { logError } from "../platform/logger.ts";
import type { Timetable } from "../platform/timetable.ts";
import { buildRing } from "../ring/build.ts";
import type { ShardSpec } from "../ring/descriptor.ts";
import type { Changes } from "./changes.ts";
import type { Members } from "./members.ts";
import type { Store } from "./store.ts";

/** The author of the epochs of outages and recoveries. */
export const FAILOVER = "failover";

/** One stored value: the regions that are watched, or whose past still counts. */
type Watches = Readonly<Record<string, Watch>>;

export type OutagesParts = {
  readonly env: RingcastEnv;
  readonly storage: DurableObjectStorage;
  readonly times: ClusterConfig["times"];
  readonly store: Store;
  readonly members: Members;
  readonly changes: Pick<Changes, "change">;
  readonly timetable: Pick<Timetable<"regions">, "arm">;
};

/**
 * Takes a region out of the ring while none of its shards answers, and back when they do (SPEC EL40 to EL43).
 *
 * A router or a shard can only make it look: it asks the region's shards itself, at most once in `times.regionCheckMs`.
 */
export class Outages {
  readonly #parts: OutagesParts;
  #watches: Watches;
  /** When each region was last checked, in this life. */
  readonly #checkedAt = new Map<string, number>();

  constructor(parts: OutagesParts) {
    this.#parts = parts;
    this.#watches = parts.storage.kv.get<Watches>("outages") ?? {};
  }

  /**
   * A router has seen no answer from a region, or a shard that is down has spoken. Changes nothing for the region that
   * serves the others, which has no region to stand in for it.
   */
  async look(region: string, now: number): Promise<void> {
    const { store, times, timetable } = this.#parts;
    if (region === this.#homeRegion() || !store.descriptor.shards.some((shard) => shard.region === region))
      return;
    const earliest = (this.#checkedAt.get(region) ?? -Infinity) + times.regionCheckMs;
    const at = Math.max(now, earliest);
    const watch = this.#watches[region];
    if (watch?.nextAt !== null && watch !== undefined && watch.nextAt <= at) return;
    this.#keep(region, suspect(watch, at));
    await timetable.arm("regions", at);
  }

  /** An appointment that a release without it has dropped is made again, and outages of long ago are forgotten. */
  async wake(now: number): Promise<void> {
    const { store, times, timetable } = this.#parts;
    for (const [region, watch] of Object.entries(this.#watches)) {
      const isForgotten = watch.nextAt === null && isPast(watch, { now, pauseMs: times.regionCheckMs });
      if (isForgotten) this.#keep(region, undefined);
    }
    const down = store.descriptor.shards.flatMap(({ region, state }) => (state === "down" ? [region] : []));
    const lost = new Set(down.filter((region) => (this.#watches[region]?.nextAt ?? null) === null));
    for (const region of lost) this.#keep(region, suspect(this.#watches[region], now));
    const nextAt = this.#nextAt();
    if (nextAt !== undefined) await timetable.arm("regions", nextAt);
  }

  /** The duty of the coordinator's alarm; answers when it is next due. */
  async run(now: number): Promise<number | undefined> {
    const due = Object.entries(this.#watches).filter(([, { nextAt }]) => nextAt !== null && nextAt <= now);
    for (const [region, watch] of due) await this.#check(region, watch);
    return this.#nextAt();
  }

  #nextAt(): number | undefined {
    const times = Object.values(this.#watches).flatMap(({ nextAt }) => nextAt ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async #check(region: string, watch: Watch): Promise<void> {
    const { store, times } = this.#parts;
    this.#checkedAt.set(region, Date.now());
    const [answered, atHome] = await Promise.all([
      this.#ask(shardsIn(store, region)),
      this.#ask(shardsIn(store, this.#homeRegion()).filter(({ state }) => state === "active")),
    ]);
    // Read after the answers: the ring may have changed while the shards were asked.
    const { watch: after, change } = stepOutage(watch, {
      region,
      shards: shardsIn(store, region),
      answered,
      homeAnswers: atHome.size > 0,
      pauseMs: times.regionCheckMs,
      now: Date.now(),
    });
    if (change === undefined) return this.#keep(region, after);
    if (region === this.#homeRegion()) return this.#keep(region, undefined);
    // Where nothing comes of it, the region is checked again after a pause.
    const again = { ...watch, nextAt: Date.now() + times.regionCheckMs };
    this.#keep(region, again);
    await this.#change(region, change, after);
  }

  async #change(region: string, change: OutageChange, watch: Watch | undefined): Promise<void> {
    const { kind, ids, reason } = change;
    const answer = await this.#parts.changes.change(
      { change: { kind, ids }, dryRun: false, by: FAILOVER },
      { cause: `${kind}: ${reason}`, onCommit: () => this.#keep(region, watch) },
    );
    if (answer.kind === "refused")
      logError("an outage did not change the ring", { region, kind, error: answer.message });
  }

  /** The ids of the shards that answer, with all their fronts. */
  async #ask(shards: readonly ShardSpec[]): Promise<Set<string>> {
    const { env, members, times } = this.#parts;
    const objects = shards.flatMap((shard) => members.objectsOf(shard));
    const alive = await whoAnswers(env, objects, times.regionCheckMs);
    const isThere = (shard: ShardSpec) =>
      members.objectsOf(shard).every((object) => alive.has(addressKey(object)));
    return new Set(shards.filter(isThere).map(({ id }) => id));
  }

  #homeRegion(): string | undefined {
    return buildRing(this.#parts.store.descriptor).homeRegion;
  }

  #keep(region: string, watch: Watch | undefined): void {
    const { [region]: _before, ...others } = this.#watches;
    this.#watches = watch === undefined ? others : { ...others, [region]: watch };
    this.#parts.storage.kv.put("outages", this.#watches);
  }
}

const shardsIn = ({ descriptor }: Store, region: string | undefined): readonly ShardSpec[] =>
  descriptor.shards.filter((shard) => shard.region === region);
