import { addressKey, type ShardAddress } from "../contracts/address.ts";
import type { ShardStatus } from "../contracts/shard.ts";
import type { KeptCounts } from "../platform/timetable.ts";

export type KeptReport = { readonly status: ShardStatus; readonly at: number };

/** A report is not later than this. One that seems older is of an object whose clock was set back. */
const LATEST_MS = 60_000;

/**
 * The last report of each object, in memory and in rows: each report asks about all the others (SPEC EL63), and a new
 * life reads the rows once.
 */
export class KeptReports {
  readonly #sql: SqlStorage;
  readonly #usage: KeptCounts;
  readonly #kept = new Map<string, KeptReport>();
  /** The key of the row that has the counts: that of the newest report. */
  #newest: string | undefined;
  readonly statuses = { get: (key: string): ShardStatus | undefined => this.#kept.get(key)?.status };

  /** `usage`: the coordinator's own, which the row of the newest report keeps (SPEC EL53). */
  constructor(sql: SqlStorage, usage: KeptCounts) {
    this.#sql = sql;
    this.#usage = usage;
    sql.exec(SCHEMA);
    let newest: Counts = {};
    for (const { name, at, status: text } of sql.exec<ReportRow>(OLDEST_FIRST)) {
      const { status, counts } = parseStatus(text);
      this.#kept.set(name, { at, status });
      this.#newest = name;
      newest = counts;
    }
    usage.recall(newest);
  }

  of(shard: ShardAddress): KeptReport | undefined {
    return this.#kept.get(addressKey(shard));
  }

  /** The reports by the keys of the addresses. */
  get keys(): readonly string[] {
    return [...this.#kept.keys()];
  }

  /** Keeps a report, unless a newer one of the object has overtaken it (SPEC EL62). */
  keep(shard: ShardAddress, { status, at }: KeptReport): void {
    const last = this.of(shard)?.status.sentAt;
    const lateMs = last === undefined || status.sentAt === undefined ? 0 : last - status.sentAt;
    if (lateMs > 0 && lateMs < LATEST_MS) return;
    const key = addressKey(shard);
    this.#write(key, { status, at });
    // The newest is the last.
    this.#kept.delete(key);
    this.#kept.set(key, { status, at });
  }

  /** Forgets a report, and keeps the counts that its row has. */
  forget(key: string): void {
    this.#sql.exec("DELETE FROM reports WHERE name = ?", key);
    this.#kept.delete(key);
    if (key !== this.#newest) return;
    const last = [...this.#kept].at(-1);
    if (last === undefined) this.#newest = undefined;
    else this.#write(...last);
  }

  #write(key: string, { status, at }: KeptReport): void {
    this.#newest = key;
    this.#sql.exec(
      "INSERT OR REPLACE INTO reports (name, at, status) VALUES (?, ?, ?)",
      key,
      at,
      JSON.stringify({ ...status, coordinator: this.#usage.counts(1, at) }),
    );
  }
}

/** A row of release 0.2.0 has no counts, and that release takes no notice of them. */
function parseStatus(text: string): { readonly status: ShardStatus; readonly counts: Counts } {
  const { coordinator = {}, ...status } = JSON.parse(text) as ShardStatus & { readonly coordinator?: Counts };
  return { status, counts: coordinator };
}

type Counts = Readonly<Record<string, number>>;
type ReportRow = { name: string; at: number; status: string };

/** A replaced row is a new one, so of two reports of one millisecond the later is the last. */
const OLDEST_FIRST = "SELECT name, at, status FROM reports ORDER BY at, rowid";
const SCHEMA =
  "CREATE TABLE IF NOT EXISTS reports (name TEXT PRIMARY KEY, at INTEGER NOT NULL, status TEXT NOT NULL)";
