import type { Registration } from "../../contracts/log.ts";
import type { Delivered, Delivery } from "../../contracts/orders.ts";
import type { ClientEvent, LogView, Position, Publication } from "../../contracts/publication.ts";
import type { ResumeLimit } from "../../log/recovery.ts";
import type { ChannelEffects, ListenRequest } from "./channel-effects.ts";
import { planDelivery, readmit, type Heard, type KeptPosition } from "./heard.ts";
import { Lookup } from "./lookup.ts";
import { ChannelRegistration } from "./registration.ts";
import { lookupAfter, planBeginning, settles, type Beginning, type Resume } from "./resume.ts";
import type { Tail } from "./tail.ts";

/** Events that the listeners do not have yet; they have every publication up to `from`. */
type Advance = {
  readonly from: Position;
  readonly events: readonly ClientEvent[];
  readonly durable: boolean;
};

/**
 * One channel that this shard follows: its registration, its listeners, and how far the shard has heard (SPEC DL).
 *
 * The first listener registers the shard, and every other that comes meanwhile waits for the same call. Deliveries that
 * come while that call is in flight are kept until its answer says where the registration starts.
 */
export class FollowedChannel<Listener> {
  readonly listeners = new Set<Listener>();
  /** Those of the listeners that want the publication before a batch. */
  readonly #wantingPrevious = new Set<Listener>();
  readonly #channel: string;
  readonly #effects: ChannelEffects<Listener>;
  readonly #resumeLimit: ResumeLimit;
  readonly #tail: Tail;
  readonly #registration = new ChannelRegistration();
  /** Made for the first client that the log is asked for. */
  #lookup: Lookup | undefined;
  #heard: Heard = { kind: "unknown" };
  /** Subscribes that are not done yet: they count as listeners. */
  #waiting = 0;
  /** The deliveries that have waited for a registration: each is answered when it is applied. */
  readonly #appliedEarly = new WeakMap<Delivery, Promise<void>>();
  /** The delivery that is being applied, where it has to fetch what came before it. */
  #applying: Promise<void> | undefined;

  constructor(
    channel: string,
    parts: {
      readonly effects: ChannelEffects<Listener>;
      readonly tail: Tail;
      readonly resumeLimit: ResumeLimit;
    },
  ) {
    const { effects, tail, resumeLimit } = parts;
    this.#channel = channel;
    this.#effects = effects;
    this.#tail = tail;
    this.#resumeLimit = resumeLimit;
  }

  /** A listener is here, or is about to be. */
  get isWanted(): boolean {
    return this.listeners.size > 0 || this.#waiting > 0;
  }

  get isRegistered(): boolean {
    return !this.#registration.isNone;
  }

  /** How far the shard has heard; undefined where it does not know. */
  get position(): KeptPosition | undefined {
    if (this.#heard.kind !== "known") return undefined;
    const { position, durable, superseded } = this.#heard;
    return { ...position, durable, ...(superseded === undefined ? {} : { superseded }) };
  }

  /** Takes up the channel where the shard was when it fell asleep, unless it knows better by now. */
  seed({ durable, logEpoch, offset, superseded }: KeptPosition): void {
    if (this.isRegistered || this.#heard.kind === "known") return;
    this.#registration.assume();
    this.#heard = { kind: "known", position: { logEpoch, offset }, durable, superseded };
  }

  /**
   * Makes sure that the channel delivers to this shard, finds what a resuming client has missed, then runs `begin` in
   * the turn that it is known in, so that no delivery comes between. The listener listens where `begin` answers true.
   * Rejects if the channel cannot be reached.
   */
  async listen(request: ListenRequest<Listener>, begin: (beginning: Beginning) => boolean): Promise<void> {
    const { resume } = request;
    const start = (beginning: Beginning): void => {
      if (begin(beginning)) this.add(request);
    };
    this.#waiting += 1;
    try {
      await this.#registration.ensure({
        register: () => this.#register(),
        onAnswer: (answer, early) => this.#onRegistered(answer, early),
        onFailure: (early) => this.#applyEarly(early),
      });
      if (this.#heard.kind === "unknown" || !this.#heard.durable)
        return start({ position: null, recovery: null });
      const { position } = this.#heard;
      if (resume === null) return start({ position, recovery: null });
      const known = this.#remembered(position, resume);
      if (known !== undefined) return start(planBeginning(known, resume, this.#resumeLimit));
      this.#lookup ??= this.#openLookup();
      const after = lookupAfter(resume, {
        top: position.offset,
        limit: this.#resumeLimit.count,
        again: this.#tail.view(this.#channel) !== undefined,
      });
      await this.#lookup.ask(after, (view) => start(planBeginning(view, resume, this.#resumeLimit)));
    } finally {
      this.#waiting -= 1;
    }
  }

  /** A listener from now on, or one that slept with the object. */
  add({ listener, wantsPrevious }: Omit<ListenRequest<Listener>, "resume">): void {
    this.listeners.add(listener);
    if (wantsPrevious) this.#wantingPrevious.add(listener);
  }

  leave(listener: Listener): void {
    this.listeners.delete(listener);
    this.#wantingPrevious.delete(listener);
  }

  /** Applies a delivery after those before it; what this shard has seen is dropped. */
  deliver(delivery: Delivery): Delivered | Promise<Delivered> {
    const { early, settled } = this.#registration;
    const delivered = (): Delivered => ({ kind: "delivered", sessions: this.listeners.size });
    if (early !== undefined) {
      early.push(delivery);
      // The channel sends no more meanwhile (SPEC BD94).
      return settled.then(() => this.#appliedEarly.get(delivery)).then(delivered);
    }
    const applied = this.#applyNext(delivery);
    return applied === undefined ? delivered() : applied.then(delivered);
  }

  #register(): Promise<Registration | null> {
    const position = this.#heard.kind === "known" ? this.#heard.position : null;
    return this.#effects.register(this.#channel, this.listeners.size > 0 ? { position } : null);
  }

  #onRegistered(answer: Registration | null, early: readonly Delivery[]): void {
    if (answer === null) return this.#giveUp();
    const { logEpoch, offset, durable } = answer;
    this.#setHeard({ logEpoch, offset }, { durable });
    this.#applyEarly(early);
  }

  /** The channel hears of a failure, as no later delivery may come that would show the gap (SPEC SO69). */
  #applyEarly(early: readonly Delivery[]): void {
    const apply = async (delivery: Delivery): Promise<void> => this.#applyNext(delivery);
    for (const delivery of early) this.#appliedEarly.set(delivery, apply(delivery));
  }

  /** Applies a delivery after those before it; answers with nothing where that is done at once. */
  #applyNext(delivery: Delivery): Promise<void> | undefined {
    const applied =
      this.#applying === undefined ? this.#apply(delivery) : this.#applying.then(() => this.#apply(delivery));
    if (applied === undefined) return undefined;
    const settled: Promise<void> = applied
      .catch(() => undefined)
      .finally(() => {
        if (this.#applying === settled) this.#applying = undefined;
      });
    this.#applying = settled;
    return applied;
  }

  #apply(delivery: Delivery, so?: { readonly isPresent: boolean }): Promise<void> | undefined {
    const { logEpoch, since: before } = delivery;
    const heard = this.#heard;
    // Nearly every delivery joins on to the one before.
    if (heard.kind === "known" && heard.position.logEpoch === logEpoch && heard.position.offset >= before) {
      this.#take(delivery, heard.position);
      return undefined;
    }
    const plan = planDelivery(heard, delivery, so);
    if (plan.kind === "ask") return this.#askFor(delivery);
    if (plan.giveUp) this.#giveUp();
    this.#heard = { ...this.#heard, superseded: plan.superseded };
    if (plan.pull) return this.#pull(plan.from, before).then((from) => this.#take(delivery, from));
    this.#take(delivery, plan.from);
    return undefined;
  }

  /** Applies a delivery if the log says that it is of its present life (SPEC BD100). */
  async #askFor(delivery: Delivery): Promise<void> {
    const { logEpoch } = await this.#effects.view(this.#channel, Number.MAX_SAFE_INTEGER);
    if (logEpoch !== delivery.logEpoch) return;
    this.#heard = readmit(this.#heard, delivery);
    await this.#apply(delivery, { isPresent: true });
  }

  /** Takes of a delivery what comes after `from`. */
  #take({ durable, entries }: Delivery, from: Position): void {
    const events: ClientEvent[] = [];
    let cleared = false;
    for (const event of entries) {
      if (event.kind === "cleared") cleared = true;
      else if (event.kind !== "pub" || event.offset > from.offset) events.push(event);
    }
    this.#advance({ from, events, durable });
    if (!cleared) return;
    this.#tail.drop(this.#channel);
    this.#lookup?.clear();
  }

  /** Fetches what lies between a position and an offset, page by page, and hands each page to the listeners. */
  async #pull(position: Position, upTo: number): Promise<Position> {
    let from = position;
    while (from.offset < upTo) {
      const { logEpoch, top, publications, refused } = await this.#effects.page(this.#channel, from);
      const last = publications.at(-1);
      if (refused !== null || last === undefined || publications[0]?.offset !== from.offset + 1) {
        this.#giveUp();
        return { logEpoch, offset: top };
      }
      this.#advance({ from, events: publications, durable: true });
      from = { logEpoch, offset: last.offset };
      await this.#effects.emitter.room();
    }
    return from;
  }

  /** The one place where publications reach listeners, and where the position moves. */
  #advance({ from, events, durable }: Advance): void {
    const channel = this.#channel;
    const publications = events.filter((event) => event.kind === "pub");
    const [first] = publications;
    this.#setHeard(
      { logEpoch: from.logEpoch, offset: publications.at(-1)?.offset ?? from.offset },
      { durable },
    );
    let previous: Publication | undefined;
    if (durable && first !== undefined) {
      if (this.#wantingPrevious.size > 0) previous = this.#tail.at(channel, from.logEpoch, first.offset - 1);
      this.#tail.add(channel, from.logEpoch, publications);
      this.#lookup?.add(from.logEpoch, publications);
    }
    const { logEpoch } = from;
    if (events.length > 0)
      this.#effects.emitter.emit({ channel, events, durable, logEpoch, previous }, this.listeners);
  }

  #setHeard(position: Position, { durable }: { readonly durable: boolean }): void {
    const { logEpoch, offset } = position;
    const before = this.position;
    const isSame = before?.offset === offset && before.logEpoch === logEpoch && before.durable === durable;
    this.#heard = { kind: "known", position, durable, superseded: this.#heard.superseded };
    if (!isSame) this.#effects.positions.touch(this.#channel);
  }

  /** The view from which this shard can answer a resume by itself; undefined where the log has to be asked. */
  #remembered(position: Position, resume: Resume): LogView | undefined {
    const known = this.#tail.view(this.#channel);
    const isCurrent = known?.logEpoch === position.logEpoch && known.top >= position.offset;
    if (known !== undefined && isCurrent && settles(known, resume)) return known;
    const { since } = resume;
    if (since.offset !== position.offset || since.logEpoch !== position.logEpoch) return undefined;
    return { logEpoch: position.logEpoch, top: position.offset, publications: [] };
  }

  #openLookup(): Lookup {
    const channel = this.#channel;
    return new Lookup({
      view: (after) => this.#effects.view(channel, after),
      learn: (view, after) => {
        const whole = after <= Math.max(0, view.top - this.#resumeLimit.count);
        this.#tail.learn(channel, view, { whole });
      },
    });
  }

  #giveUp(): void {
    const listeners = [...this.listeners];
    this.listeners.clear();
    this.#wantingPrevious.clear();
    this.#heard = { kind: "unknown", superseded: this.#heard.superseded };
    this.#tail.drop(this.#channel);
    if (listeners.length > 0) this.#effects.giveUp(this.#channel, listeners);
  }
}
