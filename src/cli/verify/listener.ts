import { Times } from "../times.ts";
import type { StockClient } from "../clients.ts";
import type { Heard, Hearing } from "./judge.ts";

/** The code with which a shard closes a session that moves (SPEC MV2). */
const MOVED = 4001;

/** When each publication left, ms on the clock of this process. */
export type SentAt = ReadonlyMap<string, number>;

/** The times that all listeners record together. */
export class ListenerTimes {
  readonly connect = new Times();
  readonly delivery = new Times();
  readonly awayAfterMove = new Times();
  readonly awayAfterCut = new Times();
}

type Live = {
  /** Undefined before the first subscribe. */
  from: number | undefined;
  at: number;
  readonly heard: Heard[];
  readonly unrecovered: { readonly from: number; readonly to: number }[];
};

/** A stock client that listens to some channels, and notes what it hears, and how long it is away. */
export class Listener {
  readonly key: string;
  readonly #client: StockClient;
  readonly #live = new Map<string, Live>();
  readonly #times: ListenerTimes;
  resumes = 0;
  moves = 0;
  /** A channel that keeps nothing: no listener can resume in it. */
  unrecoverable: string | undefined;

  constructor(
    key: string,
    client: StockClient,
    {
      channels,
      times,
      sentAt,
    }: { readonly channels: readonly string[]; readonly times: ListenerTimes; readonly sentAt: SentAt },
  ) {
    this.key = key;
    this.#client = client;
    this.#times = times;
    for (const channel of channels) this.#listen(channel, sentAt);
  }

  connect(): void {
    const { centrifuge } = this.#client;
    let leftAt = performance.now();
    let why: "first" | "move" | "cut" = "first";
    centrifuge.on("connecting", ({ code }) => {
      if (why === "first" || code === 0) return;
      leftAt = performance.now();
      why = code === MOVED ? "move" : "cut";
      if (why === "move") this.moves += 1;
    });
    centrifuge.on("connected", () => {
      const { connect, awayAfterMove, awayAfterCut } = this.#times;
      ({ first: connect, move: awayAfterMove, cut: awayAfterCut })[why].record(performance.now() - leftAt);
      // Until the next loss the client is not away; a second attempt of the same loss began at the loss.
      why = "cut";
    });
    centrifuge.connect();
  }

  get isListening(): boolean {
    return (
      this.#client.centrifuge.state === "connected" &&
      [...this.#live.values()].every(({ from }) => from !== undefined)
    );
  }

  /** The cluster has refused the client or a subscription for good. */
  get isRefused(): boolean {
    const { state } = this.#client.centrifuge;
    const subscriptions = Object.values(this.#client.centrifuge.subscriptions());
    return (
      state === "disconnected" || subscriptions.some((subscription) => subscription.state === "unsubscribed")
    );
  }

  get trouble(): string {
    return this.#client.trouble;
  }

  /** How far the listener has heard. */
  at = (channel: string): number => this.#live.get(channel)?.at ?? Infinity;

  cut(): void {
    this.#client.cut();
  }

  close(): void {
    this.#client.close();
  }

  hearings(): Hearing[] {
    return [...this.#live].map(([channel, { from, heard, unrecovered }]) => ({
      who: this.key,
      channel,
      from: from ?? 0,
      heard,
      unrecovered,
    }));
  }

  #listen(channel: string, sentAt: SentAt): void {
    const live: Live = { from: undefined, at: 0, heard: [], unrecovered: [] };
    this.#live.set(channel, live);
    const subscription = this.#client.newSubscription(channel);
    subscription.on("publication", ({ offset = 0, data }) => {
      const { id } = data as { id: string };
      live.at = offset;
      live.heard.push({ offset, id });
      const sent = sentAt.get(id);
      if (sent !== undefined) this.#times.delivery.record(performance.now() - sent);
    });
    subscription.on("subscribed", ({ wasRecovering, recovered, recoverable, streamPosition }) => {
      const top = streamPosition?.offset ?? 0;
      if (!recoverable) this.unrecoverable = channel;
      if (wasRecovering) {
        this.resumes += 1;
        if (recovered) return;
        live.unrecovered.push({ from: live.at, to: top });
      }
      live.from ??= top;
      live.at = top;
    });
    subscription.subscribe();
  }
}
