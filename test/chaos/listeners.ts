import type { Centrifuge, Subscription } from "centrifuge";
import type WebSocket from "ws";
import { BROADCAST, LARGE } from "./channels.ts";
import { connect } from "./connect.ts";
import type { Heard } from "../../src/cli/verify/judge.ts";
import type { Server } from "./server.ts";

const CHANNELS_EACH = 3;
const LARGE_LISTENERS = 4;

/** What one client has heard of one channel. */
export type Live = {
  from: number | undefined;
  at: number;
  heard: Heard[];
  unrecovered: { from: number; to: number }[];
  resumes: number;
};

export type Listener = {
  readonly client: Centrifuge;
  readonly sockets: WebSocket[];
  readonly hearings: Map<string, Live>;
};

export type Logs = ReadonlyMap<string, readonly Heard[]>;

/** Stock clients that listen to some channels each, and remember what they hear. */
export class Listeners {
  readonly all: readonly Listener[];
  /** From an acknowledgement to the last delivery of that publication. */
  longestMs = 0;
  readonly #acknowledgedAt: ReadonlyMap<string, number>;

  constructor(
    server: Server,
    parts: {
      readonly clients: number;
      readonly small: readonly string[];
      /** When each publication was acknowledged, by its id. */
      readonly acknowledgedAt: ReadonlyMap<string, number>;
    },
  ) {
    this.#acknowledgedAt = parts.acknowledgedAt;
    this.all = Array.from({ length: parts.clients }, (_, n) => this.#listen(server, n, parts.small));
  }

  get areConnected(): boolean {
    return this.all.every(({ client }) => client.state === "connected");
  }

  /** How many hearings lack the end of their log. */
  behind(logs: Logs): number {
    const late = this.all.flatMap(({ hearings }) =>
      [...hearings].filter(([channel, { at }]) => at < (logs.get(channel)?.length ?? 0)),
    );
    return late.length;
  }

  cutAll(): void {
    for (const { sockets } of this.all) sockets[0]?.terminate();
  }

  /** The client's socket is open and takes no byte for a while. */
  stopReading({ sockets: [socket] }: Listener, forMs: number): void {
    socket?.pause();
    setTimeout(() => socket?.resume(), forMs);
  }

  #listen(server: Server, n: number, small: readonly string[]): Listener {
    const sockets: WebSocket[] = [];
    const client = connect(server, `listener-${n}`, sockets);
    const hearings = new Map<string, Live>();
    const wanted = Array.from(
      { length: CHANNELS_EACH },
      (_, k) => small[(n + k * 7) % small.length] as string,
    );
    for (const channel of n < LARGE_LISTENERS ? [...wanted, LARGE] : wanted) {
      if (hearings.has(channel)) continue;
      const live = newLive();
      hearings.set(channel, live);
      const delta = n % 2 === 0 && channel.startsWith("kept:");
      const subscription = client.newSubscription(channel, delta ? { delta: "fossil" } : {});
      subscription.on("publication", ({ offset, data }) => this.#onPublication(live, offset, data));
      subscription.on("subscribed", (context) => onSubscribed(live, context));
      subscription.on("error", () => undefined);
      subscription.subscribe();
    }
    const live = newLive();
    hearings.set(BROADCAST, live);
    client.on("publication", ({ offset, data }) => this.#onPublication(live, offset, data));
    client.on("subscribed", (context) => onSubscribed(live, context));
    return { client, sockets, hearings };
  }

  #onPublication(live: Live, offset: number | undefined, data: { id: string }): void {
    live.at = offset ?? 0;
    live.heard.push({ offset: live.at, id: data.id });
    this.longestMs = Math.max(this.longestMs, Date.now() - (this.#acknowledgedAt.get(data.id) ?? Infinity));
  }
}

const newLive = (): Live => ({ from: undefined, at: 0, heard: [], unrecovered: [], resumes: 0 });

type Subscribed = Parameters<Parameters<Subscription["once"]>[1]>[0] & {
  wasRecovering?: boolean;
  recovered?: boolean;
  streamPosition?: { offset: number; epoch: string };
};

function onSubscribed(live: Live, context: Subscribed): void {
  const top = context.streamPosition?.offset ?? 0;
  if (context.wasRecovering === true) {
    live.resumes += 1;
    if (context.recovered === true) return;
    live.unrecovered.push({ from: live.at, to: top });
  }
  live.from ??= top;
  live.at = top;
}
