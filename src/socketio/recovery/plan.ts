import type { Position } from "../../contracts/publication.ts";
import type { JournalIndex } from "./journal-index.ts";
import { parseOffset } from "./offset.ts";

/** Where a session began to hear a channel: the position in its log, and the place in the journal. */
export type Joined = readonly [logEpoch: string, offset: number, sequence: number];

/** A session of one namespace, as its shard keeps it. Stored: a change of its shape MUST stay readable (SPEC CT2). */
export type SavedState = {
  readonly nsp: string;
  /** The identity of the connection; absent where it has none. */
  readonly user?: string;
  readonly data: unknown;
  /** The journal in which it began here, and its place there: its client has got nothing of this journal before. */
  readonly epoch: string;
  readonly start: number;
  /** It came from elsewhere, and its client was sent what it had missed, with the place `start` as the offset. */
  readonly isReplayed?: true;
  /** Unions that it had received elsewhere. */
  readonly unions?: readonly string[];
  /** By channel, the rooms and the namespace itself. Null: the channel keeps nothing, so nothing can be proven. */
  readonly channels: Readonly<Record<string, Joined | null>>;
  /** Where it was in each channel when it ended, once it has. */
  readonly ends?: Readonly<Record<string, Position>>;
};

/** What a journal holds. `trimmed`: the last event that it holds no more, and when that was sent, ms since 1970. */
export type JournalView = {
  readonly epoch: string;
  readonly top: number;
  readonly trimmed: { readonly sequence: number; readonly at: number };
  readonly index: JournalIndex;
};

/**
 * When a session ended. `upTo`: the last event of the journal that it may have been sent. `receivedAt`: its client has
 * received whatever was sent before that, ms since 1970.
 */
export type End = { readonly upTo: number; readonly receivedAt: number };

export type RecoveryPlan =
  | {
      readonly kind: "resume";
      /** The place in the journal up to which the client has got everything. */
      readonly since: number;
      readonly positions: ReadonlyMap<string, Position>;
      /** It has received these, the newest last. */
      readonly unions: readonly string[];
    }
  | { readonly kind: "restart"; readonly reason: string };

/** Copies of a union come within moments: the newest are enough. */
const MOST_UNIONS = 1_000;

/**
 * Plans where a session goes on in each of its channels (SPEC SO41). `offset`: what the client states.
 *
 * Answers `restart` where it cannot be proven what the client has. MUST NOT answer with a guess.
 */
export function planRecovery(
  { id, state: saved }: { readonly id: string; readonly state: SavedState },
  offset: unknown,
  end: End,
  journal: JournalView,
): RecoveryPlan {
  if (saved.epoch !== journal.epoch) return { kind: "restart", reason: "another journal" };
  const stated = statedIn(saved, offset);
  if (typeof stated === "string") return { kind: "restart", reason: stated };
  const { trimmed, index, top } = journal;
  if (stated.since > Math.min(top, end.upTo)) return { kind: "restart", reason: "an offset from the future" };
  if (stated.since < trimmed.sequence && trimmed.at >= end.receivedAt)
    return { kind: "restart", reason: "trimmed" };
  const since = Math.max(stated.since, trimmed.sequence);
  const positions = new Map<string, Position>();
  const unions = [...index.unions(id, saved.start, since)];
  for (const [channel, joined] of Object.entries(saved.channels)) {
    if (joined === null) return { kind: "restart", reason: "a channel that keeps nothing" };
    positions.set(
      channel,
      positionAt(channel, joined, {
        since,
        upTo: end.upTo,
        ends: saved.ends,
        trimmed: trimmed.sequence,
        index,
      }),
    );
    unions.push(...index.unions(channel, joined[2], Math.min(since, end.upTo)));
  }
  return { kind: "resume", since, positions, unions: newestOf(saved.unions ?? [], unions) };
}

/**
 * Unions without repetitions, the newest last. `before`: those that were received elsewhere, before all others. Of many
 * channels each has a part of them, so that only their places in the journal say which are the newest.
 */
function newestOf(before: readonly string[], placed: readonly (readonly [number, string])[]): string[] {
  const inOrder = placed.toSorted(([a], [b]) => a - b).map(([, union]) => union);
  return [...new Set([...before, ...inOrder])].slice(-MOST_UNIONS);
}

/** Where each channel of a session ends, when the session does. */
export function endsOf(
  { channels }: SavedState,
  upTo: number,
  index: JournalIndex,
): Readonly<Record<string, Position>> {
  return Object.fromEntries(
    Object.entries(channels).flatMap(([channel, joined]) =>
      joined === null ? [] : [[channel, endOf(channel, joined, { upTo, index })]],
    ),
  );
}

/** The place in this journal that the client states, or why it states none. */
function statedIn(
  { epoch, start, isReplayed }: SavedState,
  offset: unknown,
): { readonly since: number } | string {
  const isAbsent = offset === undefined || offset === null;
  const parsed = typeof offset === "string" ? parseOffset(offset) : undefined;
  // The last argument of a volatile event takes its place in a stock client.
  if (!isAbsent && parsed === undefined) return "no offset of this server";
  if (parsed?.journalEpoch === epoch && parsed.sequence >= start) return { since: parsed.sequence };
  // A client keeps the offset of its session before until it gets one of this session.
  return isReplayed === true ? "the client may have a part of what it had missed" : { since: start };
}

type Range = { readonly upTo: number; readonly index: JournalIndex };

type Asked = Range & {
  readonly since: number;
  readonly ends: SavedState["ends"];
  readonly trimmed: number;
};

/**
 * Where a client is that has got everything up to `since`: after the last batch until then. The next batch says it only
 * where that one is trimmed: after a crash the shard may have begun the channel anew in between.
 */
function positionAt(channel: string, joined: Joined, { since, upTo, ends, trimmed, index }: Asked): Position {
  const after = Math.max(since, joined[2]);
  const last = index.lastUpTo(channel, after);
  if (trimmed <= joined[2] || (last !== undefined && last.first > joined[2]))
    return endOf(channel, joined, { upTo: after, index });
  const next = index.firstAfter(channel, after);
  if (next === undefined || next.first > upTo)
    return ends?.[channel] ?? endOf(channel, joined, { upTo, index });
  return furthest(joined, next.logEpoch, next.since + Math.max(0, after - next.first + 1));
}

function endOf(channel: string, joined: Joined, { upTo, index }: Range): Position {
  const last = index.lastUpTo(channel, upTo);
  if (last === undefined || last.first <= joined[2]) return { logEpoch: joined[0], offset: joined[1] };
  return furthest(joined, last.logEpoch, last.since + Math.min(last.count, upTo - last.first + 1));
}

/** A session that joins while a batch is on its way has begun after a part of it. */
const furthest = ([logEpoch, offset]: Joined, epoch: string, other: number): Position =>
  epoch === logEpoch ? { logEpoch, offset: Math.max(offset, other) } : { logEpoch: epoch, offset: other };
