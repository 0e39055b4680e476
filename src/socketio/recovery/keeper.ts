import { receivedAfterMs } from "../../config/socketio.ts";
import type { Position } from "../../contracts/publication.ts";
import { logError } from "../../platform/logger.ts";
import type { Session } from "../../shard/connections/session.ts";
import type { Core } from "../../shard/front.ts";
import type { DisconnectReason } from "../codes.ts";
import { shardOfSocket, shardPrefix } from "../names.ts";
import type { SocketIndex } from "../socket-index.ts";
import type { Journal } from "./journal.ts";
import { endsOf, planRecovery, type End, type Joined, type SavedState } from "./plan.ts";
import type { SavedSession, SavedSessions } from "./saved-sessions.ts";
import type { Taken, TakeRequest } from "./taken.ts";

/** A stock server keeps the session of a socket that has ended so. */
const RECOVERABLE: ReadonlySet<DisconnectReason> = new Set([
  "transport error",
  "transport close",
  "forced close",
  "ping timeout",
  "server shutting down",
]);

/** How long a shard that had a session knows where it has gone; the one that has it tells that of its id in time. */
export const ALIAS_MS = 86_400_000;

export type KeeperParts = {
  readonly core: Core;
  readonly journal: Journal;
  readonly saved: SavedSessions;
  readonly index: SocketIndex;
  readonly windowMs: number;
};

/** Keeps the sessions of one shard, and gives each of them away once (SPEC SO45, SO46). */
export class Keeper {
  readonly #parts: KeeperParts;
  /** Sessions that have no row yet. */
  readonly #beginning = new Map<string, SavedSession>();
  /** The clients that lived when the last life of this shard ended have received what was sent before. */
  readonly #receivedBefore: number;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    const { cluster } = parts.core.config;
    // A client that has not answered the ping before the last one has gone.
    this.#receivedBefore =
      (parts.core.nextPingAt() ?? 0) - 2 * cluster.times.pingIntervalMs - receivedAfterMs(cluster);
  }

  /** A new session, at the present place of the journal. It is written when it hears its namespace. */
  begin(
    { id, secret }: Pick<SavedSession, "id" | "secret">,
    given: Pick<SavedState, "nsp" | "user" | "data">,
  ): void {
    const { journal } = this.#parts;
    const { journalEpoch: epoch, sequence: start } = journal.offsetAt(journal.top);
    this.#beginning.set(id, { id, secret, state: { ...given, epoch, start, channels: {} } });
  }

  /** A socket hears a channel from now on. `position`: null where the channel keeps nothing. */
  joined(id: string, channel: string, position: Position | null): void {
    const joined: Joined | null =
      position === null ? null : [position.logEpoch, position.offset, this.#parts.journal.top];
    this.#change(id, (state) => ({ ...state, channels: { ...state.channels, [channel]: joined } }));
  }

  left(id: string, channel: string): void {
    this.#change(id, ({ channels: { [channel]: _left, ...channels }, ...state }) => ({ ...state, channels }));
  }

  dataChanged(id: string, data: unknown): void {
    this.#change(id, (state) => ({ ...state, data }));
  }

  /** Whether a socket of this life has received a union in an earlier one, before the shard slept (SPEC SO42). */
  hasReceivedBefore(id: string, union: string): boolean {
    const copies = this.#parts.journal.copiesBefore(union);
    if (copies.length === 0) return false;
    const { channels = {}, start = Infinity } = this.#parts.saved.find(id)?.state ?? {};
    return copies.some(
      ({ channel, place }) => place > (channel === id ? start : (channels[channel]?.[2] ?? Infinity)),
    );
  }

  /** A socket has gone with its connection. Data that cannot be stored are left out for those before. */
  ended(
    session: Session,
    id: string,
    { data, reason }: { readonly data: unknown; readonly reason: DisconnectReason },
  ): void {
    const { core, journal, saved, windowMs } = this.#parts;
    this.#beginning.delete(id);
    const before = saved.find(id);
    if (before === undefined || before.moved !== undefined || before.gone !== undefined) return;
    if (!RECOVERABLE.has(reason)) return saved.delete(id);
    const upTo = journal.top;
    const ends = endsOf(before.state, upTo, journal.view().index);
    const receivedAt = core.connections.seenAt(session) - receivedAfterMs(core.config.cluster);
    const gone = { upTo, receivedAt, until: Date.now() + windowMs };
    try {
      saved.save({ ...before, state: { ...before.state, data, ends }, gone });
    } catch (error) {
      logError("a socket of Socket.IO has ended with data that cannot be stored", { socket: id, error });
      saved.save({ ...before, state: { ...before.state, ends }, gone });
    }
  }

  /** A session has ended for good. */
  forget(id: string): void {
    this.#beginning.delete(id);
    this.#parts.saved.delete(id);
  }

  /** Gives a session to the shard that asks for it. MUST be called when its socket here has ended. */
  take({ id, secret, nsp, offset, user, to, by }: TakeRequest): Taken {
    const { journal, saved } = this.#parts;
    const now = Date.now();
    const session = saved.find(id);
    if (session === undefined || session.secret !== secret) return none("no such session");
    const { moved, state } = session;
    const isRepeated = moved !== undefined && moved.to === to && moved.by === by;
    if (moved !== undefined && !isRepeated)
      return moved.to === to ? none("taken before") : { kind: "moved", to: moved.to };
    if (state.nsp !== nsp || state.user !== user) return none("another namespace, or another user");
    const end = this.#endOf(session);
    if (end.until < now) return none("too late");
    const plan = planRecovery(session, offset, end, journal.view());
    const direct = plan.kind === "resume" ? journal.direct(id, plan.since) : undefined;
    if (plan.kind === "restart" || direct === undefined) {
      saved.delete(id);
      return none(plan.kind === "restart" ? plan.reason : "an event was too large to be kept");
    }
    // The shard that its id names may not hear of a later move, and then asks this one.
    saved.save({ ...session, moved: { to, by, until: now + ALIAS_MS } });
    const positions = [...plan.positions].map(
      ([channel, { logEpoch, offset: at }]) => [channel, logEpoch, at] as const,
    );
    return { kind: "taken", data: state.data, positions, unions: plan.unions, direct };
  }

  /** Other shards tell where sockets are whose ids name this one. */
  alias(ids: readonly string[], to: string): void {
    const { saved } = this.#parts;
    const until = Date.now() + ALIAS_MS;
    for (const id of ids) {
      const session = saved.find(id);
      if (session?.moved !== undefined) saved.save({ ...session, moved: { ...session.moved, to, until } });
    }
  }

  /** Ends the sessions that the shard's last life has left open, and whose sockets are not here. */
  settle(now: number): void {
    const { index, journal, saved, windowMs } = this.#parts;
    for (const id of saved.openIds()) {
      if (index.find(id) !== undefined) continue;
      const session = saved.find(id);
      if (session === undefined) continue;
      const { upTo, receivedAt } = this.#endOf(session);
      const ends = endsOf(session.state, upTo, journal.view().index);
      const gone = { upTo, receivedAt, until: now + windowMs };
      saved.save({ ...session, state: { ...session.state, ends }, gone });
    }
  }

  /** The ids of sockets here that name another shard, by the prefix of that shard. */
  foreign(): ReadonlyMap<string, readonly string[]> {
    const byShard = new Map<string, string[]>();
    for (const id of this.#parts.saved.openIds()) {
      const shard = shardOfSocket(id);
      if (shard === undefined || isSame(shard, this.#parts.core.shard)) continue;
      const prefix = shardPrefix(shard);
      byShard.set(prefix, [...(byShard.get(prefix) ?? []), id]);
    }
    return byShard;
  }

  /** When a session ended. One whose row does not say so was lost in a crash. */
  #endOf({ gone }: SavedSession): End & { readonly until: number } {
    return gone ?? { upTo: this.#parts.journal.topBefore, receivedAt: this.#receivedBefore, until: Infinity };
  }

  #change(id: string, change: (state: SavedState) => SavedState): void {
    const session = this.#beginning.get(id) ?? this.#parts.saved.find(id);
    this.#beginning.delete(id);
    if (session !== undefined) this.#parts.saved.save({ ...session, state: change(session.state) });
  }
}

const none = (reason: string): Taken => ({ kind: "none", reason });

type Place = { readonly region: string; readonly id: string };

const isSame = (one: Place | undefined, other: Place): boolean =>
  one?.id === other.id && one.region === other.region;
