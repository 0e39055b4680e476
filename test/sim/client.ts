import { applyDelta } from "fossil-delta";
import type { Heard, Hearing } from "../chaos/history.ts";
import type { Router } from "./release.ts";
import type { ClientSocket } from "./sockets.ts";
import type { World } from "./world.ts";

const BROADCAST = "ringcast:broadcast";
/** The stock SDK's own (its documentation, "options"). */
const TIMEOUT_MS = 5_000;
const RECONNECT_MS = [500, 1_000] as const;

type Publication = { data: unknown; offset?: number; delta?: true };
type Result = {
  recoverable?: true;
  positioned?: true;
  delta?: true;
  epoch?: string;
  offset?: number;
  was_recovering?: true;
  recovered?: true;
  publications?: Publication[];
};
type Line = {
  id?: number;
  error?: { code: number; message: string };
  connect?: { client: string; subs?: Record<string, Result> };
  subscribe?: Result;
  push?: {
    channel: string;
    pub?: Publication;
    subscribe?: Result;
    unsubscribe?: { code: number };
  };
};

/**
 * What the application was given of one channel, from one subscribe to its end. Where nothing is kept there are no
 * offsets, and each has the number of the connection that it came on.
 */
class Listening {
  /** Until its answer, what comes belongs to an earlier subscription. */
  subscribed = false;
  from: number | undefined;
  at = 0;
  epoch = "";
  recoverable = false;
  delta = false;
  before = "";
  readonly heard: Heard[] = [];
  readonly unrecovered: { from: number; to: number }[] = [];
}

/** A stock client, as far as the cluster can tell: it reconnects, subscribes again, and says where it was. */
export class SimClient {
  readonly name: string;
  readonly #world: World;
  readonly #routers: readonly Router[];
  #socket: ClientSocket | undefined;
  #connected = false;
  /** The ids that it was given, one for each connection that was answered. */
  readonly sessions: string[] = [];
  #connections = 0;
  #lastId = 0;
  readonly #replies = new Map<number, (line: Line) => void>();
  readonly #subscriptions = new Map<string, Listening>();
  readonly #ended: { channel: string; listening: Listening }[] = [];

  /** `routers`: those that there are at each moment. */
  constructor(world: World, routers: readonly Router[], name: string) {
    this.#world = world;
    this.#routers = routers;
    this.name = name;
    this.#subscriptions.set(BROADCAST, new Listening());
  }

  get connected(): boolean {
    return this.#connected;
  }

  get current(): string | undefined {
    return this.#connected ? this.sessions.at(-1) : undefined;
  }

  /** The object that has its connection. */
  get shard(): string | undefined {
    return this.#socket?.peer?.owner;
  }

  get channels(): string[] {
    return [...this.#subscriptions.keys()].filter((channel) => channel !== BROADCAST);
  }

  /** Those that still listen are the ones that MUST have everything in the end. */
  hearings(): Hearing[] {
    const open = [...this.#subscriptions].map(([channel, listening]) => ({
      channel,
      listening,
      ended: false,
    }));
    const over = this.#ended.map((one) => ({ ...one, ended: true }));
    return [...open, ...over].map(({ channel, listening, ended }) => ({
      who: this.name,
      channel,
      from: listening.from ?? 0,
      heard: listening.heard,
      unrecovered: listening.unrecovered,
      ended,
    }));
  }

  connect(): void {
    this.#connect().catch((error: unknown) => this.#world.violate(`${this.name}: ${String(error)}`));
  }

  /** The connection is gone, without a word. */
  cut(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#world.note(`${this.name} is cut off`);
    socket.close(1006);
    this.#onClose(socket);
  }

  subscribe(channel: string): void {
    if (this.#subscriptions.has(channel)) return;
    this.#subscriptions.set(channel, new Listening());
    if (this.#connected) this.#subscribe(channel);
  }

  unsubscribe(channel: string): void {
    const listening = this.#subscriptions.get(channel);
    if (listening === undefined) return;
    this.#subscriptions.delete(channel);
    this.#ended.push({ channel, listening });
    if (this.#connected) this.#ask({ unsubscribe: { channel } }, () => undefined);
  }

  /** `onAcknowledged` is not called where no answer comes. */
  publish(channel: string, id: string, onAcknowledged: () => void): void {
    if (!this.#connected) return;
    this.#ask({ publish: { channel, data: dataOf(id) } }, (line) => {
      if (line.error === undefined) onAcknowledged();
    });
  }

  async #connect(): Promise<void> {
    const forwarded = await this.#world.random.pick(this.#routers).connect(this.name);
    if (forwarded.kind !== "connected") return this.#reconnect();
    const socket = forwarded.response.webSocket as unknown as ClientSocket;
    this.#socket = socket;
    this.#connections += 1;
    socket.onMessage = (text) => this.#onFrame(socket, text);
    socket.onClose = () => this.#onClose(socket);
    // It may have been closed while it was on its way.
    if (!socket.open) return this.#onClose(socket);
    const broadcast = this.#subscriptions.get(BROADCAST);
    const subs =
      broadcast?.recoverable === true
        ? { [BROADCAST]: { recover: true, offset: broadcast.at, epoch: broadcast.epoch } }
        : {};
    this.#ask({ connect: { subs } }, (line) => {
      if (line.error !== undefined || line.connect === undefined) return this.cut();
      this.#connected = true;
      this.sessions.push(line.connect.client);
      const heard = line.connect.subs?.[BROADCAST];
      if (heard !== undefined) this.#onSubscribed(BROADCAST, heard);
      for (const channel of this.channels) this.#subscribe(channel);
    });
  }

  #reconnect(): void {
    this.#world.setTimer(() => this.connect(), this.#world.random.int(...RECONNECT_MS));
  }

  #onClose(socket: ClientSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#connected = false;
    for (const listening of this.#subscriptions.values()) listening.subscribed = false;
    this.#replies.clear();
    this.#reconnect();
  }

  #subscribe(channel: string): void {
    const listening = this.#subscriptions.get(channel);
    if (listening === undefined) return;
    const { at, epoch, recoverable } = listening;
    listening.subscribed = false;
    const position = recoverable ? { recover: true, offset: at, epoch } : {};
    const delta = channel.startsWith("delta:") ? { delta: "fossil" } : {};
    this.#ask({ subscribe: { channel, ...position, ...delta } }, (line) => {
      if (this.#subscriptions.get(channel) !== listening) return;
      if (line.subscribe !== undefined) return this.#onSubscribed(channel, line.subscribe);
      if (line.error?.code !== 100)
        return this.#world.violate(`${this.name}: ${channel} ${line.error?.message}`);
      const socket = this.#socket;
      this.#world.setTimer(() => {
        const stillWanted = this.#socket === socket && this.#subscriptions.get(channel) === listening;
        if (stillWanted) this.#subscribe(channel);
      }, 1_000);
    });
  }

  #ask(command: object, onReply: (line: Line) => void): void {
    const socket = this.#socket;
    this.#lastId += 1;
    const id = this.#lastId;
    const timer = this.#world.setTimer(() => {
      if (this.#replies.delete(id) && this.#socket === socket) this.cut();
    }, TIMEOUT_MS);
    this.#replies.set(id, (line) => {
      timer.cancel();
      onReply(line);
    });
    socket?.send(JSON.stringify({ id, ...command }));
  }

  #onFrame(socket: ClientSocket, text: string): void {
    if (this.#socket !== socket) return;
    this.#world.note(`${this.name} <- ${text}`);
    for (const row of text.split("\n")) {
      const line = JSON.parse(row) as Line;
      if (Object.keys(line).length === 0) socket.send("{}");
      else if (line.push !== undefined) this.#onPush(line.push);
      else if (line.id !== undefined) {
        const onReply = this.#replies.get(line.id);
        this.#replies.delete(line.id);
        onReply?.(line);
      }
      if (this.#socket !== socket) return;
    }
  }

  #onPush({ channel, pub, subscribe, unsubscribe }: NonNullable<Line["push"]>): void {
    if (subscribe !== undefined) this.#onSubscribed(channel, subscribe);
    if (pub !== undefined) this.#onPublication(channel, pub);
    if (unsubscribe !== undefined && unsubscribe.code >= 2500) this.#subscribe(channel);
  }

  #onSubscribed(channel: string, result: Result): void {
    const listening = this.#subscriptions.get(channel);
    if (listening === undefined) return;
    const offset = result.offset ?? 0;
    listening.subscribed = true;
    listening.recoverable = result.recoverable === true;
    listening.delta = result.delta === true;
    listening.epoch = result.epoch ?? "";
    if (result.was_recovering === true && result.recovered !== true) {
      listening.unrecovered.push({ from: listening.at, to: offset });
    }
    if (result.recovered !== true) listening.at = offset;
    listening.from ??= offset;
    for (const publication of result.publications ?? []) this.#onPublication(channel, publication);
    if (listening.at < offset) {
      this.#world.violate(`${this.name}: ${channel} resumed at ${listening.at} of ${offset}`);
    }
  }

  #onPublication(channel: string, { data, offset, delta }: Publication): void {
    const listening = this.#subscriptions.get(channel);
    if (listening?.subscribed !== true) return;
    const { id } = (listening.delta ? undelta(listening, String(data), delta === true) : data) as {
      id: string;
    };
    if (offset === undefined) return void listening.heard.push({ offset: this.#connections, id });
    if (offset !== listening.at + 1) {
      this.#world.violate(`${this.name}: ${channel} ${offset} after ${listening.at}`);
    }
    listening.at = offset;
    listening.heard.push({ offset, id });
  }
}

/** Long enough for a patch to be worth while. */
export const dataOf = (id: string) => ({ id, text: "what every publication has in common ".repeat(3) });

function undelta(listening: Listening, data: string, isPatch: boolean): unknown {
  const bytes = (text: string) => new TextEncoder().encode(text);
  listening.before = isPatch
    ? new TextDecoder().decode(applyDelta(bytes(listening.before), bytes(data)))
    : data;
  return JSON.parse(listening.before);
}
