import { addressKey, objectName, shardOfObject, type ShardAddress } from "../contracts/address.ts";
import type { PredictedMoves } from "../contracts/change.ts";
import type { EpochReport, MovesReport } from "../contracts/coordinator.ts";
import type { ShardStatus } from "../contracts/shard.ts";
import type { KeptCounts } from "../platform/timetable.ts";
import type { Descriptor, ShardSpec } from "../ring/descriptor.ts";
import { KeptReports, type KeptReport } from "./reports.ts";
import { EPOCHS_KEPT, IDS_KEPT, idsToForget } from "./retention.ts";

/** A shard of the ring, whatever its fronts. */
export type RingShard = Pick<ShardSpec, "id" | "region">;

export type NewEpoch = {
  readonly descriptor: Descriptor;
  readonly at: number;
  readonly cause: string;
  readonly by: string;
  readonly predicted: PredictedMoves | null;
  /** The shards that are to hear of it. */
  readonly tell: readonly RingShard[];
};

/** The coordinator's memory: every epoch, the shards that have not heard of the newest, and what shards have reported. */
export class Store {
  readonly #storage: DurableObjectStorage;
  readonly #reports: KeptReports;
  #descriptor: Descriptor;
  /** The cluster has its first epoch from this very object. */
  readonly isNew: boolean;

  /** `first` becomes epoch 1 of a cluster that has no epoch yet; later it means nothing. `usage`: the coordinator's own. */
  constructor(
    storage: DurableObjectStorage,
    { first, now, usage }: { readonly first: Descriptor; readonly now: number; readonly usage: KeptCounts },
  ) {
    this.#storage = storage;
    for (const table of SCHEMA) storage.sql.exec(table);
    this.#reports = new KeptReports(storage.sql, usage);
    const newest = this.epochs(1)[0];
    this.isNew = newest === undefined;
    this.#descriptor = newest === undefined ? first : this.#read(newest.ringEpoch);
    if (newest !== undefined) return;
    this.commit({
      descriptor: { ...first, epoch: 1 },
      at: now,
      cause: "the configured shards",
      by: "configuration",
      predicted: null,
      // They ask by themselves, at their first connection.
      tell: [],
    });
  }

  get descriptor(): Descriptor {
    return this.#descriptor;
  }

  /** Makes a descriptor the present one, with everything that follows from it and `also`, in one transaction. */
  commit(epoch: NewEpoch, also?: () => void): void {
    const { descriptor } = epoch;
    const before = this.#descriptor;
    this.#storage.transactionSync(() => {
      // Only the newest descriptor names the ones before it.
      const { earlier: _earlier, ...own } = before;
      this.#exec("UPDATE epochs SET descriptor = ? WHERE epoch = ?", JSON.stringify(own), before.epoch);
      this.#exec(
        "INSERT INTO epochs (epoch, descriptor, at, cause, made_by, predicted) VALUES (?, ?, ?, ?, ?, ?)",
        descriptor.epoch,
        JSON.stringify(descriptor),
        epoch.at,
        epoch.cause,
        epoch.by,
        epoch.predicted === null ? null : JSON.stringify(epoch.predicted),
      );
      for (const { id } of descriptor.shards) this.#exec("INSERT OR IGNORE INTO used_ids VALUES (?)", id);
      for (const shard of epoch.tell)
        this.#exec("INSERT OR IGNORE INTO untold VALUES (?, ?)", objectName(shard), shard.region);
      const stay = new Set(descriptor.shards.map(objectName));
      for (const shard of before.shards) {
        const name = objectName(shard);
        if (!stay.has(name)) this.#exec("INSERT OR IGNORE INTO leaving VALUES (?, ?)", name, shard.region);
      }
      for (const name of stay) this.#exec("DELETE FROM leaving WHERE name = ?", name);
      this.#forget(descriptor);
      also?.();
    });
    this.#descriptor = descriptor;
  }

  /** Old epochs, former ids, and the reports of shards that have left: bounded for all the years (SPEC BD54). */
  #forget({ epoch, shards }: Descriptor): void {
    for (const table of ["epochs", "moves"])
      this.#exec(`DELETE FROM ${table} WHERE epoch <= ?`, epoch - EPOCHS_KEPT);
    const present = new Set(shards.map(({ id }) => id));
    for (const id of idsToForget([...this.usedIds()], { present, most: IDS_KEPT }))
      this.#exec("DELETE FROM used_ids WHERE id = ?", id);
    const holders = new Set([...shards, ...this.leaving()].map(objectName));
    for (const key of this.#reports.keys) if (!holders.has(nameIn(key))) this.#reports.forget(key);
  }

  /** The descriptor of an epoch, if there was one. */
  at(ringEpoch: number): Descriptor | undefined {
    const row = this.#storage.sql
      .exec<{ descriptor: string }>("SELECT descriptor FROM epochs WHERE epoch = ?", ringEpoch)
      .toArray()[0];
    return row === undefined ? undefined : (JSON.parse(row.descriptor) as Descriptor);
  }

  /** When the present epoch began, ms since 1970. */
  get changedAt(): number {
    const epoch = this.#descriptor.epoch;
    return this.#storage.sql.exec<{ at: number }>("SELECT at FROM epochs WHERE epoch = ?", epoch).one().at;
  }

  /** The oldest epoch that is kept. */
  get oldestEpoch(): number {
    return this.#storage.sql.exec<{ epoch: number }>("SELECT MIN(epoch) AS epoch FROM epochs").one().epoch;
  }

  /** Ids that were ever in a descriptor, the oldest first; the oldest of many are forgotten. */
  usedIds(): Set<string> {
    return new Set(
      this.#storage.sql
        .exec<{ id: string }>("SELECT id FROM used_ids ORDER BY rowid")
        .toArray()
        .map(({ id }) => id),
    );
  }

  /** The newest first. */
  epochs(limit: number): EpochReport[] {
    const rows = this.#storage.sql
      .exec<EpochRow>("SELECT * FROM epochs ORDER BY epoch DESC LIMIT ?", limit)
      .toArray();
    return rows.map((row) => {
      const movedFrom: Record<string, number> = {};
      for (const { shard, moved } of this.#movesOf(row.epoch)) {
        const id = nameIn(shard);
        movedFrom[id] = (movedFrom[id] ?? 0) + moved;
      }
      return {
        ringEpoch: row.epoch,
        at: row.at,
        cause: row.cause,
        by: row.made_by,
        shards: (JSON.parse(row.descriptor) as Descriptor).shards,
        predicted: row.predicted === null ? null : (JSON.parse(row.predicted) as PredictedMoves),
        moved: Object.values(movedFrom).reduce((sum, moved) => sum + moved, 0),
        movedFrom,
      };
    });
  }

  /** Shards that do not know the present descriptor. */
  untold(): RingShard[] {
    return this.#shardsIn("untold");
  }

  /** Every front of a shard has the descriptor of this epoch; it stays untold if there is a newer one. */
  told(shard: RingShard, ringEpoch: number): void {
    if (ringEpoch === this.#descriptor.epoch)
      this.#exec("DELETE FROM untold WHERE name = ?", objectName(shard));
  }

  /** Removed shards that have not said that they are empty. */
  leaving(): RingShard[] {
    return this.#shardsIn("leaving");
  }

  /** Keeps what the objects of a shard said of themselves, one row for each front. Told twice is told once. */
  keepReport(
    shard: ShardAddress,
    report: KeptReport & { readonly moves: readonly MovesReport[] },
    fronts: readonly string[],
  ): void {
    this.#storage.transactionSync(() => {
      for (const { ringEpoch, shard: id, moved } of report.moves) {
        // An epoch that is not kept has no moves either.
        if (ringEpoch > this.#descriptor.epoch || ringEpoch < this.oldestEpoch) continue;
        this.#exec(
          "INSERT INTO moves VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET moved = MAX(moved, excluded.moved)",
          ringEpoch,
          movesKey({ ...shard, id }),
          moved,
        );
      }
      const isLeaving = this.leaving().some((one) => objectName(one) === shard.name);
      if (!isLeaving && !this.#descriptor.shards.some((one) => objectName(one) === shard.name)) return;
      this.#reports.keep(shard, report);
      if (!isLeaving) return;
      const isGone = fronts.every((front) => {
        const status = this.lastReport({ ...shard, front })?.status;
        return status?.sessions === 0 && status.ringEpoch === this.#descriptor.epoch;
      });
      if (!isGone) return;
      // It has said that it knows the present epoch.
      for (const table of ["leaving", "untold"])
        this.#exec(`DELETE FROM ${table} WHERE name = ?`, shard.name);
      for (const front of fronts) this.#reports.forget(addressKey({ ...shard, front }));
    });
  }

  /**
   * The objects, as fronts of a shard's id, that have moved their sessions to the present epoch. A report of an epoch
   * that a newer one has overtaken says less: the sessions may still be there.
   */
  settledShards(): Set<string> {
    return new Set(this.#movesOf(this.#descriptor.epoch).map(({ shard }) => shard));
  }

  lastReport(shard: ShardAddress): KeptReport | undefined {
    return this.#reports.of(shard);
  }

  /** The last status of each object that has reported, by the key of its address. */
  get statuses(): { get(key: string): ShardStatus | undefined } {
    return this.#reports.statuses;
  }

  #shardsIn(table: "untold" | "leaving"): RingShard[] {
    return this.#storage.sql
      .exec<{ name: string }>(`SELECT name FROM ${table} ORDER BY name`)
      .toArray()
      .map(({ name }) => shardOfObject(name));
  }

  #movesOf(ringEpoch: number): { shard: string; moved: number }[] {
    return this.#storage.sql
      .exec<{ shard: string; moved: number }>("SELECT shard, moved FROM moves WHERE epoch = ?", ringEpoch)
      .toArray();
  }

  #read(ringEpoch: number): Descriptor {
    const descriptor = this.at(ringEpoch);
    if (descriptor === undefined) throw new Error(`epoch ${ringEpoch} is not stored`);
    return descriptor;
  }

  #exec(query: string, ...values: SqlStorageValue[]): void {
    this.#storage.sql.exec(query, ...values);
  }
}

/** The key of an object in the rows of moves, which know its shard by the id. */
export const movesKey = (shard: ShardAddress): string => addressKey({ ...shard, name: shard.id });

/** The name in the key of an address; see `addressKey`. */
const nameIn = (key: string): string => key.slice(key.indexOf(":") + 1);

type EpochRow = {
  epoch: number;
  descriptor: string;
  at: number;
  cause: string;
  made_by: string;
  predicted: string | null;
};

const SCHEMA = [
  "CREATE TABLE IF NOT EXISTS epochs (epoch INTEGER PRIMARY KEY, descriptor TEXT NOT NULL, at INTEGER NOT NULL, cause TEXT NOT NULL, made_by TEXT NOT NULL, predicted TEXT)",
  "CREATE TABLE IF NOT EXISTS used_ids (id TEXT PRIMARY KEY)",
  "CREATE TABLE IF NOT EXISTS untold (name TEXT PRIMARY KEY, region TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS leaving (name TEXT PRIMARY KEY, region TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS moves (epoch INTEGER, shard TEXT, moved INTEGER NOT NULL, PRIMARY KEY (epoch, shard))",
];
