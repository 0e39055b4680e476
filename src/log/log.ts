import type {
  HistoryQuery,
  HistoryResult,
  PubEntry,
  PublishOrder,
  PublishResult,
} from "../contracts/delivery.ts";
import type { LogView } from "./recovery.ts";

/**
 * The numbered publications of one channel.
 *
 * Offsets are contiguous within a log epoch, and a log epoch is never used again after a loss (SPEC LG2, LG3). An
 * append is durable when the object's output gate opens, so whoever is answered after it can count on it (LG1).
 */
export type ChannelLog = {
  /** False: nothing is kept, and the epoch ends with the object's life in memory. */
  readonly durable: boolean;
  readonly logEpoch: string;
  /** The offset of the newest publication, 0 before the first. Trimming keeps it. */
  readonly top: number;
  /** Takes a publication's JSON text; the same `id` again answers with the first offset and appends nothing. */
  append(publication: PublishOrder, now: number): PublishResult & { repeated: boolean };
  /** The publications after an offset, at most `limit`, oldest first. */
  after(offset: number, limit: number): PubEntry[];
  /** The newest end of the log: at most `limit` publications, none at or before `after`. */
  view(after: number, limit: number): LogView;
  history(query: HistoryQuery, max: number): HistoryResult;
  /** Drops every publication; the top stays. */
  clear(): void;
  /** Drops what has run out; answers when that is next due. `inUse`: shards are registered, so the top stays. */
  expire(now: number, inUse: boolean): number | undefined;
};

/** How many ids a log without storage remembers: a retry comes within seconds. */
const REMEMBERED_IDS = 4_096;

/** A log that keeps nothing: its publications are heard by who is connected, at most once (SPEC LG5). */
export function openEphemeralLog(logEpoch: string): ChannelLog {
  let top = 0;
  const offsets = new Map<string, number>();
  return {
    durable: false,
    logEpoch,
    get top() {
      return top;
    },
    append({ id }) {
      const known = offsets.get(id);
      if (known !== undefined) return { offset: known, logEpoch, refused: null, repeated: true };
      top += 1;
      offsets.set(id, top);
      if (offsets.size > REMEMBERED_IDS) offsets.delete(offsets.keys().next().value ?? "");
      return { offset: top, logEpoch, refused: null, repeated: false };
    },
    after: () => [],
    view: () => ({ logEpoch, top, publications: [] }),
    history: () => ({ logEpoch, top, publications: [], refused: "notAvailable" }),
    clear: () => undefined,
    expire: () => undefined,
  };
}
