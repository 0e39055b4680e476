import type { ShardRef } from "../platform/stubs.ts";
import { shardRef } from "../platform/stubs.ts";
import type { EpochReport, MovesReport, PredictedMoves, ShardStatus } from "../contracts/membership.ts";
import type { Descriptor } from "../ring/descriptor.ts";

export type NewEpoch = {
  readonly descriptor: Descriptor;
  readonly at: number;
  readonly cause: string;
  readonly by: string;
  readonly predicted: PredictedMoves | null;
  /** Who is to hear of it. */
  readonly tell: readonly ShardRef[];
};

/** The coordinator's memory: every epoch, who has not heard of the newest, and what shards have reported. */
export class Store {
  readonly #storage: DurableObjectStorage;
  #descriptor: Descriptor;

  /** `first` becomes epoch 1 of a cluster that has no epoch yet; later it means nothing. */
  constructor(storage: DurableObjectStorage, first: Descriptor, now: number) {
    this.#storage = storage;
    for (const table of SCHEMA) storage.sql.exec(table);
    const newest = this.epochs(1)[0];
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

  /** Makes a descriptor the present one, with everything that follows from it, in one transaction. */
  commit(epoch: NewEpoch): void {
    const { descriptor } = epoch;
    const before = this.#descriptor;
    this.#storage.transactionSync(() => {
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
      for (const { name, region } of epoch.tell)
        this.#exec("INSERT OR IGNORE INTO untold VALUES (?, ?)", name, region);
      const stay = new Set(descriptor.shards.map((shard) => shardRef(shard).name));
      for (const shard of before.shards) {
        const { name, region } = shardRef(shard);
        if (!stay.has(name)) this.#exec("INSERT OR IGNORE INTO leaving VALUES (?, ?)", name, region);
      }
      for (const name of stay) this.#exec("DELETE FROM leaving WHERE name = ?", name);
    });
    this.#descriptor = descriptor;
  }

  /** The descriptor of an epoch, if there was one. */
  at(ringEpoch: number): Descriptor | undefined {
    const row = this.#storage.sql
      .exec<{ descriptor: string }>("SELECT descriptor FROM epochs WHERE epoch = ?", ringEpoch)
      .toArray()[0];
    return row === undefined ? undefined : (JSON.parse(row.descriptor) as Descriptor);
  }

  usedIds(): Set<string> {
    return new Set(
      this.#storage.sql
        .exec<{ id: string }>("SELECT id FROM used_ids")
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
      const moves = this.#storage.sql
        .exec<{ shard: string; moved: number }>("SELECT shard, moved FROM moves WHERE epoch = ?", row.epoch)
        .toArray();
      return {
        ringEpoch: row.epoch,
        at: row.at,
        cause: row.cause,
        by: row.made_by,
        shards: (JSON.parse(row.descriptor) as Descriptor).shards,
        predicted: row.predicted === null ? null : (JSON.parse(row.predicted) as PredictedMoves),
        moved: moves.reduce((sum, { moved }) => sum + moved, 0),
        movedFrom: Object.fromEntries(moves.map(({ shard, moved }) => [shard, moved])),
      };
    });
  }

  /** Shards that do not know the present descriptor. */
  untold(): ShardRef[] {
    return this.#storage.sql.exec<ShardRef>("SELECT name, region FROM untold ORDER BY name").toArray();
  }

  /** A shard has taken the descriptor of this epoch; it stays untold if that is no longer the present one. */
  told(name: string, ringEpoch: number): void {
    if (ringEpoch === this.#descriptor.epoch) this.#exec("DELETE FROM untold WHERE name = ?", name);
  }

  /** Removed shards that have not said that they are empty. */
  leaving(): ShardRef[] {
    return this.#storage.sql.exec<ShardRef>("SELECT name, region FROM leaving ORDER BY name").toArray();
  }

  /** Keeps what a shard said of itself. Told twice is told once. */
  keepReport(name: string, report: { status: ShardStatus; moves: readonly MovesReport[]; at: number }): void {
    this.#storage.transactionSync(() => {
      this.#exec(
        "INSERT OR REPLACE INTO reports (name, at, status) VALUES (?, ?, ?)",
        name,
        report.at,
        JSON.stringify(report.status),
      );
      for (const { ringEpoch, shard, moved } of report.moves) {
        this.#exec(
          "INSERT INTO moves VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET moved = MAX(moved, excluded.moved)",
          ringEpoch,
          shard,
          moved,
        );
      }
      const gone = report.status.sessions === 0 && report.status.ringEpoch === this.#descriptor.epoch;
      if (gone) this.#exec("DELETE FROM leaving WHERE name = ?", name);
    });
  }

  lastReport(name: string): { readonly status: ShardStatus; readonly at: number } | undefined {
    const row = this.#storage.sql
      .exec<{ at: number; status: string }>("SELECT at, status FROM reports WHERE name = ?", name)
      .toArray()[0];
    return row === undefined ? undefined : { at: row.at, status: JSON.parse(row.status) as ShardStatus };
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
  "CREATE TABLE IF NOT EXISTS reports (name TEXT PRIMARY KEY, at INTEGER NOT NULL, status TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS moves (epoch INTEGER, shard TEXT, moved INTEGER NOT NULL, PRIMARY KEY (epoch, shard))",
];
