import type { Delivery, DeliveryResult, PubEntry, Registration, Said } from "../../contracts/delivery.ts";
import {
  planCacheRecovery,
  planRecovery,
  proves,
  type LogView,
  type Position,
  type Recovery,
  type Since,
} from "../../log/recovery.ts";
import type { Session } from "../connections/session.ts";
import { Tail, type TailView } from "./tail.ts";

/** Where a subscription begins. `position`: nothing at or before it will be sent; null where nothing is kept. */
export type Start = {
  readonly position: Position | null;
  /** Only where the client wanted to resume, and something is kept. */
  readonly recovery: Recovery | null;
};

export type Resume = { readonly since: Since; readonly mode: "stream" | "cache" };

export type HubEffects = {
  /** `listening`: the shard has listeners already, at this position (null: it does not know). */
  readonly register: (
    channel: string,
    listening: { readonly position: Position | null } | null,
  ) => Promise<Registration | null>;
  readonly view: (channel: string, after: number) => Promise<LogView>;
  readonly emit: (
    channel: string,
    entries: readonly Said[],
    sessions: ReadonlySet<Session>,
    durable: boolean,
  ) => void;
  /** These sessions have missed something that nobody can tell: they must begin anew. They listen no more. */
  readonly giveUp: (channel: string, sessions: readonly Session[]) => void;
  /** A position has changed and is to be kept through a sleep. */
  readonly onMoved: () => void;
};

/**
 * Which sessions of this shard listen to which channel, and how far the shard has heard (SPEC DL).
 *
 * A channel knows a shard, not its clients: the first listener registers, and everybody who comes meanwhile waits
 * for the same call. What is delivered while that call is in flight is kept until its answer says where it starts.
 */
export class Hub {
  readonly #effects: HubEffects;
  readonly #recoveryLimit: number;
  readonly #tail: Tail;
  readonly #channels = new Map<string, Listening>();
  /** The channel that this shard follows whether anybody listens or not. */
  readonly #pinned: string | undefined;

  constructor(
    limits: { readonly recoveryMaxPublications: number; readonly tailBytes: number },
    effects: HubEffects,
    pinned?: string,
  ) {
    this.#pinned = pinned;
    this.#effects = effects;
    this.#recoveryLimit = limits.recoveryMaxPublications;
    this.#tail = new Tail(limits.tailBytes);
  }

  /** How many channels this shard listens to, beside the one that it always follows. */
  get size(): number {
    return this.#channels.size - (this.#channels.has(this.#pinned ?? "") ? 1 : 0);
  }

  /** Where the shard is in a channel; undefined where it does not know. */
  positionOf(channel: string): KeptPosition | undefined {
    const listening = this.#channels.get(channel);
    if (listening?.position === undefined) return undefined;
    return { ...listening.position, durable: listening.durable };
  }

  /** Takes up a channel where it is known to be, unless the shard knows better by now. */
  seed(channel: string, at: KeptPosition): void {
    const listening = this.#open(channel);
    if (listening.state.kind !== "new" || listening.position !== undefined) return;
    listening.state = { kind: "registered" };
    listening.position = { logEpoch: at.logEpoch, offset: at.offset };
    listening.durable = at.durable;
    this.#effects.onMoved();
  }

  /**
   * Makes sure that the channel delivers to this shard, finds what a resuming client has missed, then runs `join` in
   * the turn that it is known in, so that nothing is delivered in between. Rejects if the channel cannot be reached.
   */
  async listen(
    channel: string,
    resume: Resume | null,
    join: (start: Start) => boolean,
    session: Session,
  ): Promise<boolean> {
    const listening = this.#open(channel);
    listening.waiting += 1;
    const begin = (start: Start): boolean => {
      const joined = join(start);
      if (joined) listening.sessions.add(session);
      return joined;
    };
    try {
      await this.#registered(channel, listening);
      const { position, durable } = listening;
      if (!durable || position === undefined) return begin({ position: null, recovery: null });
      if (resume === null) return begin({ position, recovery: null });
      const known = this.#tail.view(channel);
      const current = known?.logEpoch === position.logEpoch && known.top >= position.offset;
      if (known !== undefined && current && settles(known, resume)) {
        return begin(this.#startOf(known, resume));
      }
      if (resume.since.offset === position.offset && resume.since.logEpoch === position.logEpoch) {
        return begin(this.#startOf({ ...position, top: position.offset, publications: [] }, resume));
      }
      const after = this.#lookAfter(resume, position.offset, known !== undefined);
      return await this.#look(channel, listening, after, (view) => begin(this.#startOf(view, resume)));
    } finally {
      listening.waiting -= 1;
      this.#tidy(channel, listening);
    }
  }

  /** Takes back a session that slept: its shard's registration is in the channel's storage. */
  restore(channel: string, session: Session, kept: KeptPosition | undefined): void {
    if (kept !== undefined) this.seed(channel, kept);
    this.#open(channel).sessions.add(session);
  }

  /** The channels with listeners, and how many each has; without the one that everybody hears. */
  channels(): [string, number][] {
    return [...this.#channels].flatMap(([name, { sessions }]) =>
      sessions.size > 0 && name !== this.#pinned ? [[name, sessions.size]] : [],
    );
  }

  leave(channel: string, session: Session): void {
    this.#channels.get(channel)?.sessions.delete(session);
  }

  /** How many subscriptions the sessions of this shard have, over all channels. */
  get subscriptions(): number {
    let sum = 0;
    for (const { sessions } of this.#channels.values()) sum += sessions.size;
    return sum;
  }

  sessionsOf(channel: string): ReadonlySet<Session> {
    return this.#channels.get(channel)?.sessions ?? new Set();
  }

  /** The publication that comes before an offset, where this shard remembers it. */
  before(channel: string, offset: number | undefined): PubEntry | undefined {
    return this.#tail.view(channel)?.publications.find((one) => one.offset === (offset ?? 0) - 1);
  }

  /** What must be known again after a sleep. */
  positions(): Map<string, KeptPosition> {
    const kept = new Map<string, KeptPosition>();
    for (const [channel, { position, durable }] of this.#channels) {
      if (position !== undefined) kept.set(channel, { ...position, durable });
    }
    return kept;
  }

  knows(channel: string): boolean {
    return this.#channels.has(channel);
  }

  /** Whether anybody listens, or is about to. False ends the registration: whoever subscribes next makes a new one. */
  attends(channel: string): boolean {
    const listening = this.#channels.get(channel);
    const wanted = listening !== undefined && (listening.sessions.size > 0 || listening.waiting > 0);
    if (wanted || channel === this.#pinned) return true;
    this.#channels.delete(channel);
    this.#tail.drop(channel);
    return false;
  }

  /** Applies what a channel sends, one delivery after the other; what this shard has seen is dropped. */
  async deliver(delivery: Delivery): Promise<DeliveryResult> {
    const { channel } = delivery;
    if (!this.attends(channel)) return { kind: "noListeners", sessions: 0 };
    const listening = this.#open(channel);
    if (listening.state.kind === "registering") {
      listening.state.early.push(delivery);
      return { kind: "delivered", sessions: listening.sessions.size };
    }
    const applied = listening.applying.then(() => this.#apply(listening, delivery));
    listening.applying = applied.catch(() => undefined);
    await applied;
    return { kind: "delivered", sessions: listening.sessions.size };
  }

  /** Waits until the channel delivers to this shard. */
  async #registered(channel: string, listening: Listening): Promise<void> {
    if (listening.state.kind === "new" && channel === this.#pinned && listening.position !== undefined) {
      // It was told of everything since, without having asked for it.
      listening.state = { kind: "registered" };
    }
    if (listening.state.kind === "new") {
      const has = listening.sessions.size > 0 ? { position: listening.position ?? null } : null;
      const answer = this.#effects.register(channel, has);
      listening.state = { kind: "registering", answer, early: [] };
      void answer.then(
        (registration) => this.#onRegistered(channel, listening, registration),
        () => (listening.state = { kind: "new" }),
      );
    }
    if (listening.state.kind !== "registering") return;
    if ((await listening.state.answer) === null) await this.#registered(channel, listening);
  }

  #onRegistered(channel: string, listening: Listening, registration: Registration | null): void {
    const early = listening.state.kind === "registering" ? listening.state.early : [];
    if (registration === null) {
      // Nobody knows what these listeners have missed.
      this.#giveUp(channel, listening);
      listening.state = { kind: "new" };
      return;
    }
    listening.state = { kind: "registered" };
    listening.durable = registration.durable;
    listening.position = { logEpoch: registration.logEpoch, offset: registration.offset };
    this.#effects.onMoved();
    for (const delivery of early) {
      // Held back until here, and answered already: what fails now is found missing by the next delivery.
      listening.applying = listening.applying
        .then(() => this.#apply(listening, delivery))
        .catch((error: unknown) => console.error("a delivery could not be applied", error));
    }
  }

  async #apply(listening: Listening, delivery: Delivery): Promise<void> {
    const { channel, logEpoch, durable } = delivery;
    // A late call of an earlier life of the channel.
    if (logEpoch === listening.superseded) return;
    let position = listening.position;
    if (position !== undefined && position.logEpoch !== logEpoch) listening.superseded = position.logEpoch;
    if (durable && position !== undefined && position.logEpoch !== logEpoch) {
      this.#giveUp(channel, listening);
      position = { logEpoch, offset: delivery.since };
    }
    if (position === undefined || position.logEpoch !== logEpoch) {
      if (durable && delivery.mayRepeat) this.#giveUp(channel, listening);
      position = { logEpoch, offset: durable ? delivery.since : 0 };
    }
    if (durable && delivery.since > position.offset && delivery.entries.some(({ kind }) => kind === "pub")) {
      position = await this.#pull(listening, channel, position);
    }
    const from = position.offset;
    const fresh = delivery.entries.filter((entry) => entry.kind !== "pub" || entry.offset > from);
    const said = fresh.filter((entry) => entry.kind !== "cleared");
    this.#advance(listening, channel, { logEpoch, offset: from }, said, durable);
    if (said.length === fresh.length) return;
    this.#tail.drop(channel);
    if (listening.looking !== undefined) listening.looking.outdated = true;
  }

  /** Fetches what lies between a position and the log's top. */
  async #pull(listening: Listening, channel: string, position: Position): Promise<Position> {
    const view = await this.#effects.view(channel, position.offset);
    const recovery = planRecovery(view, { offset: position.offset, logEpoch: position.logEpoch }, Infinity);
    if (recovery.kind === "restart") {
      this.#giveUp(channel, listening);
      return { logEpoch: view.logEpoch, offset: view.top };
    }
    this.#advance(listening, channel, position, recovery.publications, true);
    return { logEpoch: view.logEpoch, offset: view.top };
  }

  /** The one place where publications reach sessions, and where the position moves. */
  #advance(
    listening: Listening,
    channel: string,
    from: Position,
    entries: readonly Said[],
    durable: boolean,
  ): void {
    const publications = entries.filter((entry) => entry.kind === "pub");
    const last = publications.at(-1);
    listening.position = { logEpoch: from.logEpoch, offset: last?.offset ?? from.offset };
    listening.durable = durable;
    if (durable && last !== undefined) {
      this.#tail.add(channel, from.logEpoch, publications);
      listening.looking?.meanwhile.push(...publications);
    }
    this.#effects.onMoved();
    if (entries.length > 0) this.#effects.emit(channel, entries, listening.sessions, durable);
  }

  /**
   * Asks the channel for its newest publications after an offset, once for everybody who wants them at the time;
   * who wants more than the call in flight asks for waits for the next one (SPEC DL6).
   */
  #look(
    channel: string,
    listening: Listening,
    after: number,
    use: (view: LogView) => boolean,
  ): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        after,
        use: (view) => {
          try {
            resolve(use(view));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        },
        fail: reject,
      };
      const { looking } = listening;
      if (looking === undefined) void this.#startLook(channel, listening, [waiter]);
      else if (looking.after <= after) looking.waiters.push(waiter);
      else looking.next.push(waiter);
    });
  }

  /** What to ask the log for. The second who has to ask has everything fetched that anybody may resume from. */
  #lookAfter({ since, mode }: Resume, top: number, again: boolean): number {
    if (mode === "cache") return Math.max(0, top - 1);
    return again ? Math.min(since.offset, Math.max(0, top - this.#recoveryLimit)) : since.offset;
  }

  async #startLook(channel: string, listening: Listening, waiters: Waiter[]): Promise<void> {
    const after = Math.min(...waiters.map((waiter) => waiter.after));
    const looking: Looking = { after, waiters, next: [], meanwhile: [], outdated: false };
    listening.looking = looking;
    let view: LogView;
    try {
      view = await this.#effects.view(channel, after);
    } catch (error) {
      listening.looking = undefined;
      for (const waiter of [...looking.waiters, ...looking.next]) waiter.fail(error);
      return;
    }
    listening.looking = undefined;
    if (!looking.outdated)
      this.#tail.learn(channel, view, after <= Math.max(0, view.top - this.#recoveryLimit));
    const complete = extend(view, looking.meanwhile);
    // All in this turn: nothing is delivered between the view and their joining.
    for (const waiter of looking.waiters) waiter.use(complete);
    if (looking.next.length > 0) void this.#startLook(channel, listening, looking.next);
  }

  #startOf(view: LogView, { since, mode }: Resume): Start {
    const recovery =
      mode === "cache" ? planCacheRecovery(view, since) : planRecovery(view, since, this.#recoveryLimit);
    return { position: { logEpoch: view.logEpoch, offset: view.top }, recovery };
  }

  #giveUp(channel: string, listening: Listening): void {
    const sessions = [...listening.sessions];
    listening.sessions.clear();
    listening.position = undefined;
    this.#tail.drop(channel);
    if (sessions.length > 0) this.#effects.giveUp(channel, sessions);
  }

  #open(channel: string): Listening {
    let listening = this.#channels.get(channel);
    if (listening === undefined) {
      listening = {
        state: { kind: "new" },
        position: undefined,
        superseded: undefined,
        durable: false,
        sessions: new Set(),
        waiting: 0,
        applying: Promise.resolve(),
        looking: undefined,
      };
      this.#channels.set(channel, listening);
    }
    return listening;
  }

  #tidy(channel: string, listening: Listening): void {
    const unused = listening.sessions.size === 0 && listening.waiting === 0;
    if (unused && listening.state.kind === "new" && this.#channels.get(channel) === listening) {
      this.#channels.delete(channel);
    }
  }
}

export type KeptPosition = Position & { readonly durable: boolean };

type Waiter = {
  readonly after: number;
  readonly use: (view: LogView) => void;
  readonly fail: (error: unknown) => void;
};

/** A view that has been asked for. `next`: who wants more of the log than it asks for. */
type Looking = {
  readonly after: number;
  readonly waiters: Waiter[];
  readonly next: Waiter[];
  /** Delivered since it was asked for: the view may be older than these. */
  readonly meanwhile: PubEntry[];
  /** The log was cleared meanwhile: the view may be of before, and is not remembered. */
  outdated: boolean;
};

type Listening = {
  state:
    | { readonly kind: "new" }
    | {
        readonly kind: "registering";
        readonly answer: Promise<Registration | null>;
        readonly early: Delivery[];
      }
    | { readonly kind: "registered" };
  /** How far this shard has heard; undefined where it does not know. */
  position: Position | undefined;
  /** The log epoch before the present one: it does not come back (SPEC LG3). */
  superseded: string | undefined;
  durable: boolean;
  readonly sessions: Set<Session>;
  /** Subscribes that are not done yet: they count as listeners. */
  waiting: number;
  /** Deliveries are applied one after the other, as one may have to fetch what came before it. */
  applying: Promise<void>;
  looking: Looking | undefined;
};

/** Whether what a shard remembers is enough to answer a client without asking the log. */
function settles(known: TailView, { since, mode }: Resume): boolean {
  if (mode === "cache") return known.publications.length > 0;
  const sameLog = since.logEpoch === "" || since.logEpoch === known.logEpoch;
  return proves(known, since) || (known.whole && sameLog && since.offset <= known.top);
}

/** A view, brought up to date with what was delivered while it was on its way. */
function extend(view: LogView, meanwhile: readonly PubEntry[]): LogView {
  const publications = [...view.publications];
  let { top } = view;
  for (const publication of meanwhile) {
    if (publication.offset !== top + 1) continue;
    publications.push(publication);
    top = publication.offset;
  }
  return { logEpoch: view.logEpoch, top, publications };
}
