import type { Publication } from "../../contracts/publication.ts";
import { logError } from "../../platform/logger.ts";
import { parseChannel } from "../../policy/channels.ts";
import type { Core } from "../../shard/front.ts";
import type { Candidate } from "../candidate.ts";
import type { Client } from "../client.ts";
import { framesOf } from "../message.ts";
import { encodePid, parsePid, readChannel, shardPrefix } from "../names.ts";
import { encodePacket } from "../packets.ts";
import type { SocketIndex } from "../socket-index.ts";
import type { Member } from "../state.ts";
import { readBatch, type Encoded, type SocketWire } from "../wire.ts";
import { mergeMissed } from "./merge.ts";
import { carriesOffset, withOffset } from "./offset.ts";
import type { Joined, SavedState } from "./plan.ts";
import type { Recovery } from "./recovery.ts";
import type { Taken } from "./taken.ts";

export type ReconnectParts = {
  readonly core: Core;
  readonly recovery: Recovery;
  readonly wire: SocketWire;
  readonly index: SocketIndex;
};

type TakenSession = Extract<Taken, { kind: "taken" }>;
/** A channel that a socket hears again, and what it has missed of it. */
type Rejoined = {
  readonly channel: string;
  readonly joined: Joined;
  readonly missed: readonly Publication[];
};

/** Other copies of a union come within moments. The newest are last. */
const MOST_UNIONS = 128;

/**
 * A client comes back for its session (SPEC SO41, SO45). Taken, the session is kept here from the same turn on, so that a
 * crash or another loss before its client has heard of it loses nothing.
 */
export class Reconnect {
  readonly member: Member;
  readonly #parts: ReconnectParts;
  readonly #client: Client;
  readonly #nsp: string;
  readonly #taken: TakenSession;
  readonly #state: SavedState;
  readonly #secret: string;
  /** What the client has missed is sent with this place. */
  readonly #place: number;
  #isRemembered = false;

  private constructor(
    parts: ReconnectParts,
    given: {
      readonly client: Client;
      readonly nsp: string;
      readonly auth: Member["auth"];
      readonly foundBy?: string;
      readonly id: string;
      readonly secret: string;
      readonly user: string | undefined;
      readonly taken: TakenSession;
    },
  ) {
    const { client, nsp, auth, foundBy, id, secret, user, taken } = given;
    const { journal, saved, windowMs } = parts.recovery;
    this.#parts = parts;
    this.#client = client;
    this.#nsp = nsp;
    this.#taken = taken;
    this.#secret = secret;
    this.member = {
      id,
      auth,
      data: taken.data,
      secret,
      recovered: true,
      ...(foundBy === undefined ? {} : { foundBy }),
    };
    const { journalEpoch: epoch, sequence: start } = journal.offsetAt(journal.top);
    const now = Date.now();
    for (const message of taken.direct) journal.appendDirect(id, message, now);
    this.#place = journal.appendDirect(id, null, now);
    this.#state = {
      nsp,
      ...(user === undefined ? {} : { user }),
      data: taken.data,
      epoch,
      start,
      unions: taken.unions.slice(-MOST_UNIONS),
      channels: Object.fromEntries(
        taken.positions.map(([channel, logEpoch, offset]) => [channel, [logEpoch, offset, start]]),
      ),
    };
    saved.save({
      id,
      secret,
      state: this.#state,
      gone: { upTo: start, receivedAt: 0, until: now + windowMs },
    });
    if (client.session.ended) return;
    // Before any other copy of them: a session remembers the newest alone.
    for (const union of taken.unions.slice(-MOST_UNIONS)) parts.wire.receives(client.session, union);
    // From this turn on events for the socket come here, and wait for what came before them.
    parts.recovery.gates.close(client.session, nsp);
    parts.index.add(id, client.session);
    this.#isRemembered = client.remember(nsp, this.member);
  }

  /** Undefined: it is a new session, or the connection has ended. */
  static async begin(
    parts: ReconnectParts,
    client: Client,
    connect: Pick<Member, "auth" | "foundBy"> & { readonly nsp: string },
  ): Promise<Reconnect | undefined> {
    const { nsp, auth } = connect;
    const pid = parsePid(auth["pid"]);
    if (pid === undefined) return undefined;
    const user = client.state.identity?.user;
    const by = crypto.randomUUID();
    const to = shardPrefix(parts.core.shard);
    const request = { ...pid, nsp, offset: auth["offset"], ...(user === undefined ? {} : { user }), to, by };
    try {
      return await parts.recovery.ask(request, client.session, (taken) =>
        taken.kind === "taken"
          ? new Reconnect(parts, { ...pid, ...connect, client, user, taken })
          : undefined,
      );
    } catch (error) {
      logError("a session could not be taken over, and begins anew", {
        namespace: nsp,
        socket: pid.id,
        error,
      });
    }
    return undefined;
  }

  /** Those that it will be in again. */
  get rooms(): string[] {
    return this.#taken.positions.flatMap(([channel]) => readChannel(channel).room ?? []);
  }

  /**
   * Joins the channels again, and sends what the client has missed, then the answer to its CONNECT. Answers false where
   * one channel cannot prove that nothing is missing: then nothing is sent, and the session begins anew. `data`: the
   * middlewares may have changed it; those that cannot be stored, or a room of the middlewares that cannot be joined,
   * begin it anew, too.
   */
  async enter(data: unknown, candidate: Pick<Candidate, "join">): Promise<boolean> {
    const { session } = this.#client;
    const { id } = this.member;
    if (!this.#isRemembered || !this.#remember(data)) return this.cancel();
    const joins = this.#taken.positions.map((at) => this.#join(at));
    const [own, ...results] = await Promise.allSettled([candidate.join(), ...joins]);
    // The session stays as it was taken, and its client may come back for it.
    if (session.ended) return false;
    const rejoined = results.flatMap((result) => (result.status === "fulfilled" ? (result.value ?? []) : []));
    const isThere = this.#client.state.members.get(this.#nsp)?.id === id;
    if (!isThere || own.status === "rejected" || rejoined.length < results.length) return this.cancel();
    return this.#send(rejoined);
  }

  #remember(data: unknown): boolean {
    try {
      const stored: unknown = JSON.parse(JSON.stringify(data) ?? "null");
      return this.#client.remember(this.#nsp, { ...this.member, data: stored });
    } catch (error) {
      logError("a session has data that cannot be stored, and begins anew", {
        socket: this.member.id,
        error,
      });
      return false;
    }
  }

  /** Forgets the session: its client gets another. */
  cancel(): false {
    const { recovery } = this.#parts;
    const { session } = this.#client;
    recovery.gates.open(session, this.#nsp);
    this.#parts.index.delete(this.member.id);
    recovery.keeper.forget(this.member.id);
    if (!session.ended) this.#client.forget(this.#nsp);
    return false;
  }

  async #join([name, logEpoch, offset]: TakenSession["positions"][number]): Promise<Rejoined | undefined> {
    const { core, recovery } = this.#parts;
    const parsed = parseChannel(name, core.config.cluster.limits.channelBytes);
    if (!parsed.ok) return undefined;
    let rejoined: Rejoined | undefined;
    const wishes = { since: { logEpoch, offset }, rejectUnrecovered: true, byServer: true };
    const request = { channel: parsed.channel, user: "", wishes, subscription: { byServer: true } } as const;
    await core.subscriptions.join(this.#client.session, request, ({ position, recovery: resumed }) => {
      if (position === null || resumed?.kind !== "resume") return;
      const joined = [position.logEpoch, position.offset, recovery.journal.top] as const;
      rejoined = { channel: name, joined, missed: resumed.publications };
    });
    return rejoined;
  }

  #send(rejoined: readonly Rejoined[]): boolean {
    const { core, recovery } = this.#parts;
    const { session } = this.#client;
    const { id } = this.member;
    const missed = this.#missedOf(rejoined);
    const size = missed.reduce((sum, { frames }) => sum + frames.reduce((n, { length }) => n + length, 0), 0);
    const behind = recovery.gates.open(session, this.#nsp);
    if (size > core.config.cluster.limits.resumeBytes || behind === undefined) return this.cancel();
    const unions = [
      ...(this.#state.unions ?? []),
      ...missed.flatMap(({ message: { union } }) => union ?? []),
    ];
    const state: SavedState = {
      ...this.#state,
      data: this.#client.state.members.get(this.#nsp)?.data,
      start: this.#place,
      unions: unions.slice(-MOST_UNIONS),
      ...(missed.length === 0 ? {} : { isReplayed: true }),
      channels: {
        // Those that the middlewares have joined.
        ...recovery.saved.find(id)?.state.channels,
        ...Object.fromEntries(rejoined.map(({ channel, joined }) => [channel, joined])),
      },
    };
    recovery.saved.save({ id, secret: this.#secret, state });
    const offset = recovery.journal.offsetAt(this.#place);
    const pid = encodePid({ id, secret: this.#secret });
    core.connections.send(session, [
      ...missed.flatMap(({ frames }) => withOffset(frames, offset)),
      ...encodePacket({ kind: "connect", nsp: this.#nsp, sid: id, pid }),
      ...behind,
    ]);
    return true;
  }

  /** What the socket would have been sent, in order; a union once. */
  #missedOf(rejoined: readonly Rejoined[]): Encoded[] {
    const { wire } = this.#parts;
    const { session } = this.#client;
    const { direct, unions } = this.#taken;
    const received = new Set(unions);
    const ofOne = direct.map((message) => ({ message, frames: framesOf(message), offset: undefined }));
    const ofRooms = rejoined.map(({ channel, missed: events }) =>
      readBatch({ channel, durable: true, events }),
    );
    return mergeMissed([ofOne, ...ofRooms]).filter((event) => {
      const { message } = event;
      const { union } = message;
      if (!carriesOffset(event) || (union !== undefined && received.has(union))) return false;
      if (!wire.isFor(session, this.#nsp, message)) return false;
      if (union !== undefined) received.add(union);
      return true;
    });
  }
}
