import {
  State,
  SubscriptionState,
  type Centrifuge,
  type HistoryOptions,
  type HistoryResult,
  type PresenceResult,
  type PublicationContext,
  type SubscribedContext,
  type Subscription,
  type SubscriptionOptions,
} from "centrifuge";
import type { ChannelSchemas, DataOf } from "../typed/types.ts";

export type ChannelOptions = Partial<SubscriptionOptions>;

/**
 * The outcome of the last subscription: `fresh` from now on, `complete` with all that was missed while the client was
 * away, or `gap` where something may be missing, so that the application loads its state anew.
 */
export type Resume = "fresh" | "complete" | "gap";

export type ChannelState = {
  readonly status: `${SubscriptionState}`;
  /** Of the last subscription; undefined before the first. */
  readonly resume: Resume | undefined;
  /** Why the server does not subscribe the client. */
  readonly error: { readonly code: number; readonly message: string } | undefined;
};

export type Listener<Data> = (data: Data, publication: PublicationContext) => void;

/** The channel of a name, with the data of its schema. */
export type TypedChannel<Schemas extends ChannelSchemas, Name extends string> = Channel<
  DataOf<Schemas, Name>
>;

/** The next listener often comes at once, as in React's strict mode, and finds the subscription as it was. */
const LINGER_MS = 500;

/** The stock client ends a subscription with it where `getToken` has no token; 0 is the application's own call. */
const UNAUTHORIZED = 1;
const FIRST_CODE_OF_SERVER = 100;

const IDLE: ChannelState = { status: SubscriptionState.Unsubscribed, resume: undefined, error: undefined };

/** A channel of a client. It is subscribed while something listens to it (SPEC PK11). */
export class Channel<Data> {
  readonly name: string;
  readonly #centrifuge: Centrifuge;
  readonly #options: ChannelOptions;
  readonly #listeners = new Set<Listener<Data>>();
  readonly #watchers = new Set<() => void>();
  #subscription: Subscription | undefined;
  #leaving: ReturnType<typeof setTimeout> | undefined;
  #state = IDLE;
  /** Since it was left; the next subscription is of a client that was away. */
  #wasSubscribed = false;

  constructor(centrifuge: Centrifuge, name: string, options: ChannelOptions) {
    this.#centrifuge = centrifuge;
    this.name = name;
    this.#options = options;
  }

  get state(): ChannelState {
    return this.#state;
  }

  /** The stock subscription, which is made at the first call. */
  get subscription(): Subscription {
    return (this.#subscription ??= this.#subscribe());
  }

  /** Calls back for each publication, until the returned function is called. */
  listen(listener: Listener<Data>): () => void {
    // Each call is a listener of its own, also with the same function.
    const own: Listener<Data> = (data, publication) => listener(data, publication);
    this.#listeners.add(own);
    const leave = this.#enter();
    return () => {
      if (this.#listeners.delete(own)) leave();
    };
  }

  /** Calls back when the state has changed, until the returned function is called. */
  watch(watcher: () => void): () => void {
    const own = (): void => watcher();
    this.#watchers.add(own);
    const leave = this.#enter();
    return () => {
      if (this.#watchers.delete(own)) leave();
    };
  }

  /** Publishes to the channel. Rejects where the server refuses it, for example data that does not fit its schema. */
  async publish(data: Data): Promise<void> {
    await this.#centrifuge.publish(this.name, data);
  }

  history(options: HistoryOptions): Promise<HistoryResult> {
    return this.subscription.history(options);
  }

  presence(): Promise<PresenceResult> {
    return this.subscription.presence();
  }

  #enter(): () => void {
    clearTimeout(this.#leaving);
    this.subscription.subscribe();
    if (this.#centrifuge.state === State.Disconnected) this.#centrifuge.connect();
    return () => {
      if (this.#listeners.size + this.#watchers.size > 0) return;
      clearTimeout(this.#leaving);
      this.#leaving = setTimeout(() => this.#leave(), LINGER_MS);
    };
  }

  #leave(): void {
    if (this.#subscription === undefined) return;
    this.#subscription.unsubscribe();
    // The stock client would keep it for ever.
    this.#centrifuge.removeSubscription(this.#subscription);
    this.#subscription = undefined;
    this.#state = IDLE;
    this.#wasSubscribed = false;
  }

  #subscribe(): Subscription {
    const existing = this.#centrifuge.getSubscription(this.name);
    const subscription = existing ?? this.#centrifuge.newSubscription(this.name, this.#options);
    if (existing !== null) this.#state = { ...IDLE, status: existing.state };
    this.#wasSubscribed = existing?.state === SubscriptionState.Subscribed;
    subscription.on("publication", (publication) => {
      for (const listener of this.#listeners) call(() => listener(publication.data as Data, publication));
    });
    subscription.on("state", ({ newState }) => this.#set({ status: newState }));
    subscription.on("subscribed", (context) => {
      const resume = resumeOf(context, this.#wasSubscribed);
      this.#wasSubscribed = true;
      this.#set({ resume, error: undefined });
    });
    subscription.on("error", ({ error }) => {
      // A token that could not be renewed is asked for again, and meanwhile nothing is missing.
      if (subscription.state !== SubscriptionState.Subscribed) this.#set({ error });
    });
    subscription.on("unsubscribed", ({ code, reason }) => {
      if (code === UNAUTHORIZED || code >= FIRST_CODE_OF_SERVER)
        this.#set({ error: { code, message: reason } });
    });
    return subscription;
  }

  #set(change: Partial<ChannelState>): void {
    this.#state = { ...this.#state, ...change };
    for (const watcher of this.#watchers) call(watcher);
  }
}

/** The stock client would end its connection for an error of one listener, and the others would hear nothing. */
function call(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** A channel without a history recovers nothing, and does not say so. */
const resumeOf = ({ wasRecovering, recovered }: SubscribedContext, wasAway: boolean): Resume =>
  wasRecovering && recovered ? "complete" : wasRecovering || wasAway ? "gap" : "fresh";
