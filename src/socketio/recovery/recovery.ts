import { keptForRecoveryMs } from "../../config/socketio.ts";
import { logError } from "../../platform/logger.ts";
import type { Session } from "../../shard/connections/session.ts";
import type { Core } from "../../shard/front.ts";
import { askShard } from "../ask-shard.ts";
import { encodeMessage, nextStamp, type Message } from "../message.ts";
import type { EventArgs } from "../packets.ts";
import { readShard, shardPrefix } from "../names.ts";
import { encodeQuestion, type Question } from "../question.ts";
import { memberOf, stateOf } from "../state.ts";
import type { SocketIndex } from "../socket-index.ts";
import type { SocketWire } from "../wire.ts";
import { Delivery } from "./delivery.ts";
import { Gates } from "./gates.ts";
import { Journal } from "./journal.ts";
import { ALIAS_MS, Keeper } from "./keeper.ts";
import { carriesOffset } from "./offset.ts";
import { SavedSessions } from "./saved-sessions.ts";
import type { Taken, TakeRequest } from "./taken.ts";

/** How long another shard has for its answer. */
const ASK_MS = 5_000;
/** An event for a socket that has moved often is passed on so often. */
const MOST_HOPS = 3;
/** A client that makes up sessions costs other shards no more than so many calls for each connection. */
const MOST_ASKS = 128;
/** The time of the last renewal of aliases. */
const RENEWED_KEY = "socketio:renewed";

export type RecoveryParts = {
  readonly core: Core;
  readonly wire: SocketWire;
  readonly index: SocketIndex;
};

/** Connection state recovery in one shard: what it writes down, and what it answers to other shards. */
export class Recovery {
  readonly journal: Journal;
  readonly saved: SavedSessions;
  readonly keeper: Keeper;
  readonly gates: Gates;
  readonly delivery: Delivery;
  readonly windowMs: number;
  readonly skipMiddlewares: boolean;
  readonly #parts: RecoveryParts;
  readonly #keptMs: number;
  #isArmed = false;
  /** Sessions that this shard has asked others for: events for them may come before their answers. */
  readonly #asking = new Set<Promise<unknown>>();
  readonly #asks = new WeakMap<Session, number>();
  /** The last event for one socket that waits for what channels have said before it. */
  #late: Promise<void> | undefined;

  constructor(
    parts: RecoveryParts,
    options: {
      readonly maxDisconnectionDuration: number;
      readonly skipMiddlewares: boolean;
      readonly keptMs: number;
    },
  ) {
    const { core, wire, index } = parts;
    this.#parts = parts;
    this.windowMs = options.maxDisconnectionDuration;
    this.skipMiddlewares = options.skipMiddlewares;
    this.#keptMs = options.keptMs;
    this.journal = new Journal(core.storage);
    this.saved = new SavedSessions(core.storage);
    this.gates = new Gates(core.config.cluster.limits.queuedBytes);
    const { journal, saved, gates, windowMs } = this;
    this.keeper = new Keeper({ core, journal, saved, index, windowMs });
    const { keeper } = this;
    this.delivery = new Delivery({ connections: core.connections, wire, journal, keeper, gates });
  }

  /** Undefined where the deployment does not want it: then nothing is written, and no frame is longer. */
  static of(parts: RecoveryParts): Recovery | undefined {
    const { cluster } = parts.core.config;
    const { connectionStateRecovery } = cluster.socketio;
    const keptMs = keptForRecoveryMs(cluster);
    if (connectionStateRecovery === undefined || keptMs === undefined) return undefined;
    return new Recovery(parts, { ...connectionStateRecovery, keptMs });
  }

  /** A new session begins. */
  begin(
    socket: { readonly id: string; readonly secret: string },
    { nsp, data, session }: { readonly nsp: string; readonly data: unknown; readonly session: Session },
  ): void {
    const user = stateOf(session).identity?.user;
    this.keeper.begin(socket, { nsp, ...(user === undefined ? {} : { user }), data });
    this.arm();
  }

  /** Sees to it that what is written is removed in its time. */
  arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#parts.core.arm(Date.now() + this.#keptMs);
  }

  /** The duty of the alarm: removes what is not needed any more; answers when there is more of it. */
  async run(now: number): Promise<number | undefined> {
    const { journal, keeper, saved } = this;
    const { subscriptions } = this.#parts.core;
    keeper.settle(now);
    journal.trim(now - this.#keptMs, (channel) => subscriptions.listenersOf(channel).size > 0);
    const next = saved.expire(now);
    const isIdle = journal.isEmpty && saved.openIds().length === 0;
    this.#isArmed = !isIdle || next !== undefined;
    if (!isIdle) await this.#renewAliases(now);
    return isIdle ? (next === undefined ? undefined : next + 1) : now + this.#keptMs;
  }

  /** A handler sends an event to its socket, also where that has gone meanwhile. */
  emit(nsp: string, id: string, args: EventArgs, { volatile }: { readonly volatile: boolean }): void {
    const how = { stamp: nextStamp(), ...(volatile ? { volatile } : {}) };
    const emitted = this.emitTo(nsp, id, encodeMessage(nsp, args, how));
    if (emitted instanceof Promise)
      emitted.catch((error: unknown) =>
        logError("an event did not reach the shard of a recovered socket", { socket: id, error }),
      );
  }

  /** Sends an event to one socket, wherever it is, or keeps it for the socket's return. Answers whether it is known. */
  emitTo(nsp: string, id: string, message: Message, hops = 0): boolean | Promise<boolean> {
    const isKnown = this.#emitHere(nsp, id, message);
    if (isKnown) return true;
    const to = this.saved.find(id)?.moved?.to;
    if (to !== undefined && to !== shardPrefix(this.#parts.core.shard))
      return hops < MOST_HOPS && this.#passOn(to, { kind: "emit", nsp, id, message, hops: hops + 1 });
    // It may be on its way here.
    return this.#asking.size > 0 && this.#emitLater(nsp, id, message);
  }

  /** The same for a socket that a local emit has found. */
  emitToMember(session: Session, nsp: string, message: Message): void {
    const member = memberOf(session, nsp);
    if (member !== undefined) this.#emitHere(nsp, member.id, message);
  }

  /** The same for a socket that is here, or was here last. */
  #emitHere(nsp: string, id: string, message: Message): boolean {
    const session = this.#parts.index.find(id);
    const isHere = session !== undefined && !session.ended && memberOf(session, nsp)?.id === id;
    const saved = isHere ? undefined : this.saved.find(id);
    if (isHere) this.#send(session, { nsp, id }, message);
    else if (saved === undefined || saved.moved !== undefined || saved.state.nsp !== nsp) return false;
    else if (carriesOffset({ message, frames: [message.text] }))
      this.journal.appendDirect(id, message, Date.now());
    this.arm();
    return true;
  }

  /** A place in the journal MUST be given in the order of sending: what is on its way to the socket goes first. */
  #send(session: Session, to: { readonly nsp: string; readonly id: string }, message: Message): void {
    const { emitter } = this.#parts.core;
    if (this.#late === undefined && emitter.isIdle) return this.delivery.send(session, to, message);
    const late = this.#sendLate(this.#late, session, () => {
      // The socket may have gone meanwhile.
      if (session.ended) this.#emitHere(to.nsp, to.id, message);
      else this.delivery.send(session, to, message);
    });
    this.#late = late;
    void late.finally(() => {
      if (this.#late === late) this.#late = undefined;
    });
  }

  async #sendLate(before: Promise<void> | undefined, session: Session, send: () => void): Promise<void> {
    const { connections, emitter } = this.#parts.core;
    await before;
    while (!emitter.isIdle) await emitter.sent();
    try {
      send();
    } catch (error) {
      logError("an event could not be written down", { session: session.attachment.id, error });
      connections.end(session, "insufficientState");
    }
  }

  /** Gives a session away. Its socket may be here still, where the client was faster than the end of its connection. */
  take(request: TakeRequest): Taken {
    const { core, index } = this.#parts;
    const session = index.find(request.id);
    // Nobody else ends a socket: its secret is right.
    if (session !== undefined && this.saved.find(request.id)?.secret === request.secret)
      core.connections.close(session, { code: 1000, reason: "" });
    const taken = this.keeper.take(request);
    this.arm();
    return taken;
  }

  /**
   * Asks the shards for a session, from the one that its id names on. `use` runs in the turn of the answer: events for the
   * socket that have come here before wait for it.
   */
  async ask<Used>(request: TakeRequest, session: Session, use: (taken: Taken) => Used): Promise<Used> {
    const asks = (this.#asks.get(session) ?? 0) + 1;
    this.#asks.set(session, asks);
    if (asks > MOST_ASKS) return use({ kind: "none", reason: "the connection asks too often" });
    const here = shardPrefix(this.#parts.core.shard);
    const used = this.#ask(request, here).then(use);
    this.#asking.add(used);
    try {
      return await used;
    } finally {
      this.#asking.delete(used);
    }
  }

  async #ask(request: TakeRequest, here: string): Promise<Taken> {
    const home = /^(.+)~/.exec(request.id)?.[1] ?? "";
    // This shard may know more than the one of the id, which may be no member any more.
    let at = this.saved.find(request.id) === undefined ? home : here;
    for (let hop = 0; hop <= MOST_HOPS; hop++) {
      // No object is made for a shard that a client has made up. A shard tells of real ones, also of newer ones.
      if (hop === 0 && at !== here && !this.#parts.core.isShard(readShard(at)))
        return { kind: "none", reason: "its shard is no member any more" };
      const taken = at === here ? this.take(request) : await this.#askShard(at, request);
      if (taken.kind !== "moved") {
        if (taken.kind === "taken" && at !== home && home !== here) void this.#tell(home, [request.id]);
        return taken;
      }
      at = taken.to;
    }
    return { kind: "none", reason: "it has moved too often" };
  }

  async #askShard(prefix: string, request: TakeRequest): Promise<Taken> {
    return JSON.parse(await this.#call(prefix, { kind: "take", ...request })) as Taken;
  }

  #call(prefix: string, question: Question): Promise<string> {
    const { env, callFailed: onFailed } = this.#parts.core;
    return askShard({ env, onFailed }, readShard(prefix), { question: encodeQuestion(question), ms: ASK_MS });
  }

  /**
   * Rejects where the other shard does not answer: the event may have reached it or not. This one may have left the ring,
   * and not know that shard.
   */
  async #passOn(to: string, question: Question): Promise<boolean> {
    return (await this.#call(to, question)) === "true";
  }

  async #emitLater(nsp: string, id: string, message: Message): Promise<boolean> {
    await Promise.allSettled(this.#asking);
    return this.#emitHere(nsp, id, message);
  }

  /** The shards that ids name forget where their sockets are, unless they are told again. */
  async #renewAliases(now: number): Promise<void> {
    const { storage } = this.#parts.core;
    const renewedAt = storage.kv.get<number>(RENEWED_KEY) ?? 0;
    if (now - renewedAt < ALIAS_MS / 4) return;
    const foreign = [...this.keeper.foreign()];
    if (foreign.length === 0) return;
    await Promise.all(foreign.map(([home, ids]) => this.#tell(home, ids)));
    storage.kv.put(RENEWED_KEY, now);
  }

  async #tell(home: string, ids: readonly string[]): Promise<void> {
    const to = shardPrefix(this.#parts.core.shard);
    try {
      if (this.#parts.core.isShard(readShard(home)))
        await this.#call(home, { kind: "alias", nsp: "", ids, to });
    } catch (error) {
      logError("a shard was not told where its sockets are", { shard: home, error });
    }
  }
}
