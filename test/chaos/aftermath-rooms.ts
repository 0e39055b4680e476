import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

type Row = Record<string, unknown>;
type Saved = {
  readonly state: { readonly channels: Readonly<Record<string, readonly [logEpoch: string] | null>> };
};
type Query = (sql: string, ...values: string[]) => readonly Row[];

/** The events that are told of each room: the last of them show how far a shard was. */
const LAST_ROWS = 3;

/**
 * The storage of the objects about one socket and its rooms, in lines, for whoever looks for a lost event: its
 * session on each shard that has a row of it, how far that shard has written each room down, and each room's channel with
 * the shards that it has registered. `storage`: the folder of a server that may still be running.
 */
export function tellStored(
  storage: string,
  { id, channels }: { readonly id: string; readonly channels: readonly string[] },
): readonly string[] {
  const lines: string[] = [];
  const epochs = new Map<string, string>();
  const files = globSync("**/*.sqlite", { cwd: storage }).map((file) => join(storage, file));
  for (const file of files)
    read(file, (query) => {
      for (const { session } of query("SELECT session FROM socketio_sessions WHERE id = ?", id)) {
        lines.push(`shard ${nameOf(file)} has its session: ${String(session)}`);
        const { state } = JSON.parse(String(session)) as Saved;
        for (const channel of channels) {
          epochs.set(state.channels[channel]?.[0] ?? "", channel);
          const registered = query("SELECT 1 FROM registered WHERE channel = ?", channel).length > 0;
          const rows = query(
            `SELECT first, count, since, log_epoch FROM socketio_journal WHERE target = ? ORDER BY first DESC LIMIT ${LAST_ROWS}`,
            channel,
          );
          for (const { log_epoch } of rows) epochs.set(String(log_epoch), channel);
          const last = JSON.stringify(rows);
          lines.push(`  ${channel}: ${registered ? "registered" : "not registered"}, last batches ${last}`);
        }
      }
    });
  for (const file of files)
    read(file, (query) => {
      for (const log of query("SELECT epoch, top, heard FROM log")) {
        const channel = epochs.get(String(log["epoch"]));
        if (channel === undefined) continue;
        const [{ top } = {}] = query("SELECT MAX(offset) AS top FROM publications");
        const shards = JSON.stringify(query("SELECT * FROM listeners"));
        lines.push(`channel ${channel}: ${JSON.stringify(log)}, newest ${String(top)}, shards ${shards}`);
      }
    });
  return lines;
}

/** An object of another class lacks the table, and one that is being written is busy: there is nothing to tell of it. */
function read(file: string, look: (query: Query) => void): void {
  const database = new DatabaseSync(file, { readOnly: true });
  const query: Query = (sql, ...values) => {
    try {
      return database.prepare(sql).all(...values);
    } catch {
      return [];
    }
  };
  try {
    look(query);
  } finally {
    database.close();
  }
}

const nameOf = (file: string): string => file.slice(file.lastIndexOf("/") + 1, -".sqlite".length).slice(0, 8);
