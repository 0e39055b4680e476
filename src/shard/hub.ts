import type { Delivery, DeliveryResult, Entry, Registration } from "../protocol/delivery.ts";
import type { Session } from "./session.ts";

/**
 * Which sessions of this shard listen to which channel.
 *
 * A channel knows a shard, not its clients: the first listener registers, and everybody who comes meanwhile waits
 * for the same call. What is delivered while that call is in flight is kept until its answer says where it starts.
 */
export class Hub {
  readonly #register: (channel: string) => Promise<Registration>;
  readonly #emit: (channel: string, entries: readonly Entry[], sessions: Iterable<Session>) => void;
  readonly #channels = new Map<string, Listening>();

  constructor(effects: {
    register: (channel: string) => Promise<Registration>;
    emit: (channel: string, entries: readonly Entry[], sessions: Iterable<Session>) => void;
  }) {
    this.#register = effects.register;
    this.#emit = effects.emit;
  }

  get size(): number {
    return this.#channels.size;
  }

  /**
   * Makes sure that the channel delivers to this shard, then runs `join` in the same turn, so that nothing is
   * delivered in between. Rejects if the channel cannot be reached.
   */
  async listen(channel: string, join: () => boolean, session: Session): Promise<boolean> {
    const listening = this.#open(channel);
    listening.waiting += 1;
    try {
      if (listening.state.kind === "new") {
        const answer = this.#register(channel);
        listening.state = { kind: "registering", answer, early: [] };
        void answer.then(
          (registration) => this.#registered(channel, listening, registration),
          () => (listening.state = { kind: "new" }),
        );
      }
      if (listening.state.kind === "registering") await listening.state.answer;
      const joined = join();
      if (joined) listening.sessions.add(session);
      return joined;
    } finally {
      listening.waiting -= 1;
      this.#tidy(channel, listening);
    }
  }

  /** Takes back a session that slept: its shard's registration is in the channel's storage. */
  restore(channel: string, session: Session): void {
    const listening = this.#open(channel);
    if (listening.state.kind === "new") listening.state = { kind: "registered", position: undefined };
    listening.sessions.add(session);
  }

  leave(channel: string, session: Session): void {
    const listening = this.#channels.get(channel);
    listening?.sessions.delete(session);
  }

  sessionsOf(channel: string): ReadonlySet<Session> {
    return this.#channels.get(channel)?.sessions ?? new Set();
  }

  /** Applies what a channel sends; what this shard has seen is dropped. */
  deliver(delivery: Delivery): DeliveryResult {
    const listening = this.#channels.get(delivery.channel);
    if (listening === undefined || (listening.sessions.size === 0 && listening.waiting === 0)) {
      // The registration ends with this answer, so whoever subscribes next must make a new one.
      this.#channels.delete(delivery.channel);
      return { kind: "noListeners" };
    }
    if (listening.state.kind === "registering") listening.state.early.push(delivery);
    else this.#apply(listening, delivery);
    return { kind: "delivered" };
  }

  #registered(channel: string, listening: Listening, registration: Registration): void {
    const early = listening.state.kind === "registering" ? listening.state.early : [];
    listening.state = {
      kind: "registered",
      position: { logEpoch: registration.logEpoch, offset: registration.top },
    };
    for (const delivery of early) this.#apply(listening, { ...delivery, channel });
  }

  #apply(listening: Listening, delivery: Delivery): void {
    if (listening.state.kind !== "registered") return;
    const { position } = listening.state;
    let seen = position?.logEpoch === delivery.logEpoch ? position.offset : 0;
    const fresh = delivery.entries.filter((entry) => {
      if (entry.kind !== "pub") return true;
      if (entry.offset <= seen) return false;
      seen = entry.offset;
      return true;
    });
    listening.state = { kind: "registered", position: { logEpoch: delivery.logEpoch, offset: seen } };
    if (fresh.length > 0) this.#emit(delivery.channel, fresh, listening.sessions);
  }

  #open(channel: string): Listening {
    let listening = this.#channels.get(channel);
    if (listening === undefined) {
      listening = { state: { kind: "new" }, sessions: new Set(), waiting: 0 };
      this.#channels.set(channel, listening);
    }
    return listening;
  }

  #tidy(channel: string, listening: Listening): void {
    const unused = listening.sessions.size === 0 && listening.waiting === 0;
    if (unused && listening.state.kind === "new") this.#channels.delete(channel);
  }
}

type Position = { readonly logEpoch: string; readonly offset: number };

type Listening = {
  state:
    | { readonly kind: "new" }
    | { readonly kind: "registering"; readonly answer: Promise<Registration>; readonly early: Delivery[] }
    | { readonly kind: "registered"; readonly position: Position | undefined };
  readonly sessions: Set<Session>;
  /** Subscribes that wait for the registration: they count as listeners. */
  waiting: number;
};
