/**
 * The numbered publications of one channel.
 *
 * Offsets are contiguous within a log epoch, and a log epoch is never used again after a loss. An append is
 * durable when the object's output gate opens, so whoever is answered after it can count on it.
 */
export type ChannelLog = {
  readonly logEpoch: string;
  /** The offset of the newest publication, 0 before the first. */
  readonly top: number;
  /** Takes a publication's JSON text; the same `id` again answers with the first offset and appends nothing. */
  append(publication: { readonly id: string; readonly body: string }): { offset: number; repeated: boolean };
};

/** How many publication ids are remembered: a retry comes within seconds. */
const REMEMBERED_IDS = 4_096;

/**
 * A log that keeps its epoch and top in SQLite, and nothing of the publications but their ids (in memory):
 * its subscriptions are not recoverable.
 */
export function openLog(sql: SqlStorage, newEpoch: () => string): ChannelLog {
  sql.exec(
    "CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY CHECK (id = 1), epoch TEXT NOT NULL, top INTEGER NOT NULL)",
  );
  sql.exec("INSERT INTO log VALUES (1, ?, 0) ON CONFLICT DO NOTHING", newEpoch());
  const row = sql.exec<{ epoch: string; top: number }>("SELECT epoch, top FROM log").one();
  const logEpoch = row.epoch;
  let top = row.top;
  const offsets = new Map<string, number>();
  return {
    logEpoch,
    get top() {
      return top;
    },
    append({ id }) {
      const known = offsets.get(id);
      if (known !== undefined) return { offset: known, repeated: true };
      sql.exec("UPDATE log SET top = ?", top + 1);
      top += 1;
      offsets.set(id, top);
      if (offsets.size > REMEMBERED_IDS) {
        for (const oldest of offsets.keys()) {
          offsets.delete(oldest);
          break;
        }
      }
      return { offset: top, repeated: false };
    },
  };
}
