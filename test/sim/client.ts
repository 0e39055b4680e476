import { applyDelta } from "fossil-delta";
import type { Heard, Hearing } from "../../src/cli/verify/judge.ts";
import { BROADCAST } from "./channels.ts";
import type { Router } from "./release.ts";
import type { ClientSocket } from "./sockets.ts";
import { FAILED_WRITE } from "./storage.ts";
import type { World } from "./world.ts";

/** The timeouts of the stock SDK (its documentation, "options"). */
const TIMEOUT_MS = 5_000;
const RECONNECT_MS = [500, 1_000] as const;
/** The close of a session in which something of ours has failed. */
const SERVER_ERROR = 3004;
const ALREADY_SUBSCRIBED = 105;

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
type Message = {
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
 * The publications of one channel that the application received, from one subscribe to its end. A channel without
 * history has no offsets; each of its publications has the number of its connection instead.
 */
class Subscription {
  /** Before the answer to the subscribe, a publication belongs to an earlier subscription. */
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

/** A client that behaves as the stock SDK does: it reconnects, subscribes again, and sends its position. */
export class SimClient {
  readonly name: string;
  readonly #world: World;
  readonly #routers: readonly Router[];
  #socket: ClientSocket | undefined;
  #connected = false;
  /** The ids that the cluster gave to this client, one for each answered connect. */
  readonly sessions: string[] = [];
  #connections = 0;
  #lastId = 0;
  readonly #replies = new Map<number, (message: Message) => void>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #ended: { channel: string; subscription: Subscription }[] = [];
  #hasLeft = false;
  /** Whether the next connections leave a close frame unanswered. */
  isSilent = false;

  /** The identity of the connection, where it has one. */
  readonly #user: string | undefined;
  /** The channels to which back ends have subscribed this connection. */
  readonly #byServer = new Set<string>();
  /** When a subscribe command was last sent, by channel. */
  readonly #askedAt = new Map<string, number>();

  /** A deployment replaces the items of `routers`. */
  constructor(world: World, routers: readonly Router[], name: string, user?: string) {
    this.#world = world;
    this.#routers = routers;
    this.name = name;
    this.#user = user;
    this.#subscriptions.set(BROADCAST, new Subscription());
  }

  get connected(): boolean {
    return this.#connected;
  }

  get current(): string | undefined {
    return this.#connected ? this.sessions.at(-1) : undefined;
  }

  /** When the client last asked for a channel, ms since 1970; 0 if it never did. */
  askedAt(channel: string): number {
    return this.#askedAt.get(channel) ?? 0;
  }

  /** The object that has the connection. */
  get shard(): string | undefined {
    return this.#socket?.peer?.owner;
  }

  get channels(): string[] {
    return [...this.#subscriptions.keys()].filter((channel) => channel !== BROADCAST);
  }

  /** A subscription that has not ended MUST have received everything in the end. */
  hearings(): Hearing[] {
    const open = [...this.#subscriptions].map(([channel, subscription]) => ({
      channel,
      subscription,
      ended: false,
    }));
    const over = this.#ended.map((one) => ({ ...one, ended: true }));
    return [...open, ...over].map(({ channel, subscription, ended }) => ({
      who: this.name,
      channel,
      from: subscription.from ?? 0,
      heard: subscription.heard,
      unrecovered: subscription.unrecovered,
      ended,
    }));
  }

  connect(): void {
    this.#connect().catch((error: unknown) => this.#world.violate(`${this.name}: ${String(error)}`));
  }

  /** Leaves for good: closes the connection, and opens no other. */
  leave(): void {
    this.#hasLeft = true;
    const socket = this.#socket;
    socket?.close(1000);
    if (socket !== undefined) this.#onClose(socket);
  }

  /** The connection breaks without a close frame. */
  cut(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#world.note(`${this.name} is cut off`);
    this.#world.countFault("client cut off");
    socket.close(1006);
    this.#onClose(socket);
  }

  subscribe(channel: string): void {
    if (this.#subscriptions.has(channel)) return;
    this.#subscriptions.set(channel, new Subscription());
    if (this.#connected) this.#subscribe(channel);
  }

  unsubscribe(channel: string): void {
    if (this.#end(channel) && this.#connected) this.#ask({ unsubscribe: { channel } }, () => undefined);
  }

  #end(channel: string): boolean {
    const subscription = this.#subscriptions.get(channel);
    if (subscription === undefined) return false;
    this.#subscriptions.delete(channel);
    this.#byServer.delete(channel);
    this.#ended.push({ channel, subscription });
    return true;
  }

  unsubscribeAll(where: (channel: string) => boolean): void {
    for (const channel of this.channels) if (where(channel)) this.unsubscribe(channel);
  }

  /** Calls `onAcknowledged` when the answer comes, if it comes. */
  publish(channel: string, id: string, onAcknowledged: () => void): void {
    if (!this.#connected) return;
    this.#ask({ publish: { channel, data: dataOf(id) } }, (message) => {
      if (message.error === undefined) onAcknowledged();
    });
  }

  async #connect(): Promise<void> {
    const forwarded = await this.#world.random.pick(this.#routers).connect(this.name, this.#user);
    if (this.#hasLeft && forwarded.kind === "connected")
      return (forwarded.response.webSocket as unknown as ClientSocket).close(1000);
    if (forwarded.kind !== "connected") return this.#reconnect();
    const socket = forwarded.response.webSocket as unknown as ClientSocket;
    this.#socket = socket;
    this.#connections += 1;
    if (this.isSilent) socket.answersClose = false;
    socket.onMessage = (text) => this.#onFrame(socket, text);
    socket.onClose = (code) => {
      if (code === SERVER_ERROR && !this.#world.faults.has(FAILED_WRITE))
        this.#world.violate(`${this.name} is closed with ${code} (SPEC AP5)`);
      this.#onClose(socket);
    };
    // The server may have closed the socket before the client had it.
    if (!socket.open) return this.#onClose(socket);
    const broadcast = this.#subscriptions.get(BROADCAST);
    const subs =
      broadcast?.recoverable === true
        ? { [BROADCAST]: { recover: true, offset: broadcast.at, epoch: broadcast.epoch } }
        : {};
    this.#ask({ connect: { subs } }, (message) => {
      if (message.error !== undefined || message.connect === undefined) return this.cut();
      this.#connected = true;
      this.sessions.push(message.connect.client);
      const heard = message.connect.subs?.[BROADCAST];
      if (heard !== undefined) this.#onSubscribed(BROADCAST, heard);
      for (const channel of this.channels) this.#subscribe(channel);
    });
  }

  #reconnect(): void {
    if (this.#hasLeft) return;
    this.#world.setTimer(() => this.connect(), this.#world.random.int(...RECONNECT_MS));
  }

  #onClose(socket: ClientSocket): void {
    if (this.#socket !== socket) return;
    // The connection under a close frame that stays unanswered ends some time later.
    if (socket.open) this.#world.setTimer(() => socket.close(1006), this.#world.fate.int(1_000, 200_000));
    this.#socket = undefined;
    this.#connected = false;
    for (const channel of this.#byServer) this.#end(channel);
    for (const subscription of this.#subscriptions.values()) subscription.subscribed = false;
    this.#replies.clear();
    this.#reconnect();
  }

  #subscribe(channel: string): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription === undefined) return;
    const { at, epoch, recoverable } = subscription;
    subscription.subscribed = false;
    const position = recoverable ? { recover: true, offset: at, epoch } : {};
    const delta = channel.startsWith("delta:") ? { delta: "fossil" } : {};
    this.#askedAt.set(channel, this.#world.clock.now);
    this.#ask({ subscribe: { channel, ...position, ...delta } }, (message) => {
      if (this.#subscriptions.get(channel) !== subscription) {
        // A back end has ended it while the command was on its way to the shard.
        const isUnknown = !this.#subscriptions.has(channel) && this.#user !== undefined;
        if (isUnknown && message.subscribe !== undefined)
          this.#ask({ unsubscribe: { channel } }, () => undefined);
        return;
      }
      if (message.error?.code === ALREADY_SUBSCRIBED && this.#user !== undefined)
        return this.unsubscribe(channel);
      if (message.subscribe !== undefined) return this.#onSubscribed(channel, message.subscribe);
      if (message.error?.code !== 100)
        return this.#world.violate(`${this.name}: ${channel} ${message.error?.message}`);
      const socket = this.#socket;
      this.#world.setTimer(() => {
        const stillWanted = this.#socket === socket && this.#subscriptions.get(channel) === subscription;
        if (stillWanted) this.#subscribe(channel);
      }, 1_000);
    });
  }

  #ask(command: object, onReply: (message: Message) => void): void {
    const socket = this.#socket;
    this.#lastId += 1;
    const id = this.#lastId;
    const timer = this.#world.setTimer(() => {
      if (this.#replies.delete(id) && this.#socket === socket) this.cut();
    }, TIMEOUT_MS);
    this.#replies.set(id, (message) => {
      timer.cancel();
      onReply(message);
    });
    socket?.send(JSON.stringify({ id, ...command }));
  }

  #onFrame(socket: ClientSocket, text: string): void {
    if (this.#socket !== socket) return;
    if (this.#world.isTraced) this.#world.note(`${this.name} <- ${text.slice(0, 2_000)}`);
    for (const row of text.split("\n")) {
      const message = JSON.parse(row) as Message;
      if (Object.keys(message).length === 0) socket.send("{}");
      else if (message.push !== undefined) this.#onPush(message.push);
      else if (message.id !== undefined) {
        const onReply = this.#replies.get(message.id);
        this.#replies.delete(message.id);
        onReply?.(message);
      }
      if (this.#socket !== socket) return;
    }
  }

  #onPush({ channel, pub, subscribe, unsubscribe }: NonNullable<Message["push"]>): void {
    if (subscribe !== undefined) {
      if (!this.#subscriptions.has(channel)) {
        this.#subscriptions.set(channel, new Subscription());
        this.#byServer.add(channel);
      }
      this.#onSubscribed(channel, subscribe);
    }
    if (pub !== undefined) this.#onPublication(channel, pub);
    if (unsubscribe === undefined) return;
    if (unsubscribe.code >= 2500) this.#subscribe(channel);
    else this.#end(channel);
  }

  #onSubscribed(channel: string, result: Result): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription === undefined) return;
    const offset = result.offset ?? 0;
    subscription.subscribed = true;
    subscription.recoverable = result.recoverable === true;
    subscription.delta = result.delta === true;
    subscription.epoch = result.epoch ?? "";
    if (result.was_recovering === true && result.recovered !== true) {
      subscription.unrecovered.push({ from: subscription.at, to: offset });
    }
    if (result.recovered !== true) subscription.at = offset;
    subscription.from ??= offset;
    for (const publication of result.publications ?? []) this.#onPublication(channel, publication);
    if (subscription.at < offset) {
      this.#world.violate(`${this.name}: ${channel} resumed at ${subscription.at} of ${offset}`);
    }
  }

  #onPublication(channel: string, { data, offset, delta }: Publication): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription?.subscribed !== true) return;
    const { id } = (subscription.delta ? undelta(subscription, String(data), delta === true) : data) as {
      id: string;
    };
    if (offset === undefined) return void subscription.heard.push({ offset: this.#connections, id });
    if (offset !== subscription.at + 1) {
      this.#world.violate(`${this.name}: ${channel} ${offset} after ${subscription.at}`);
    }
    subscription.at = offset;
    subscription.heard.push({ offset, id });
  }
}

const COMMON = "what every publication has in common ";

/** Data that is long enough for a patch to be shorter, and has about so many bytes. */
export const dataOf = (id: string, bytes = 3 * COMMON.length) => ({
  id,
  text: COMMON.repeat(Math.ceil(bytes / COMMON.length)),
});

function undelta(subscription: Subscription, data: string, isPatch: boolean): unknown {
  const bytes = (text: string) => new TextEncoder().encode(text);
  subscription.before = isPatch
    ? new TextDecoder().decode(applyDelta(bytes(subscription.before), bytes(data)))
    : data;
  return JSON.parse(subscription.before);
}
