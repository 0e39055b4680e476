import { DurableObject } from "cloudflare:workers";
import type { Config } from "../config/config.ts";
import { addressOfObject, type SentAddress, type ShardAddress } from "../contracts/address.ts";
import type { Registration } from "../contracts/log.ts";
import {
  type ActOrder,
  type Branch,
  type Delivered,
  type Delivery,
  type Outcome,
  type OwnedMessage,
  type Reached,
  type SentByRing,
} from "../contracts/orders.ts";
import type { PresenceCount, PresenceLimit, PresenceList } from "../contracts/presence.ts";
import type { Present } from "../contracts/publication.ts";
import { decodeRoute, ROUTE_HEADER } from "../contracts/route.ts";
import type {
  ChannelsPage,
  ChannelsQuery,
  Prediction,
  SessionsLimit,
  SessionsPage,
  SessionSummary,
  ShardContract,
  ShardStatus,
} from "../contracts/shard.ts";
import { checkContract, CONTRACT, type Served } from "../contracts/version.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { configOf } from "../platform/config.ts";
import { endLife } from "../platform/end-life.ts";
import { refuseOtherJurisdiction } from "../platform/jurisdiction.ts";
import { refuseNewerStorage } from "../platform/storage.ts";
import { countEntries, UsageMeter } from "../platform/usage-meter.ts";
import type { Close } from "../contracts/refusal.ts";
import type { Descriptor } from "../ring/descriptor.ts";
import { answerClose } from "./connections/answer-close.ts";
import { pageOfSessions, RELEASE_BEFORE_SESSIONS } from "./connections/sessions-page.ts";
import { Turns } from "./connections/turns.ts";
import { runDuty } from "./duties.ts";
import { buildFloors, type Floors } from "./floors.ts";
import type { Front } from "./front.ts";
import { Orders } from "./orders.ts";
import { pageOfChannels } from "./subscriptions/channels-page.ts";

/**
 * One part of the ring: the sockets of the keys that it owns, and the channels that its sessions listen to.
 *
 * This class is the surface: it takes the calls of other objects, the events of sockets and the alarm, and hands each
 * to the floor that does the work (floors.ts). A deployment's class carries its front and hooks.
 */
export abstract class Shard extends DurableObject<RingcastEnv> implements Served<ShardContract> {
  /** The client protocol; see ringcast.ts. Static: no caller over RPC sees it. */
  static readonly front: Front | undefined = undefined;
  static readonly hooks: Hooks = {};
  readonly #config: Config;
  readonly #shard: ShardAddress;
  readonly #front: Front;
  readonly #floors: Floors;
  readonly #orders: Orders;
  #awake = false;
  readonly #turns = new Turns(this.ctx);

  constructor(ctx: DurableObjectState, env: RingcastEnv) {
    super(ctx, env);
    const { front, hooks }: typeof Shard = new.target;
    if (front === undefined || front.name !== front.name.toLowerCase())
      throw new Error("a shard's class names its front, in lower case");
    const meter = new UsageMeter(this, ctx);
    refuseNewerStorage(ctx.storage);
    const { pong, absorb } = front.wire.heartbeat;
    this.#front = front;
    const config = configOf(env);
    this.#config = front.configure?.(config) ?? config;
    refuseOtherJurisdiction(ctx.id, this.#config.cluster.shards.jurisdiction);
    this.#shard = addressOfObject(front.name, ctx.id.name);
    const parts = { config: this.#config, shard: this.#shard };
    this.#floors = buildFloors({ ctx, env, ...parts, front, hooks, meter, socketEvents: this });
    const { wire } = front;
    const deliver = (delivery: Delivery) => this.#deliver(delivery);
    this.#orders = new Orders({ env, ...parts, wire, floors: this.#floors, deliver });
    // Without an argument: a pair that an earlier release has set is forgotten.
    if (front.staysAwake?.(config) === true) ctx.setWebSocketAutoResponse();
    else ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pong, absorb));
  }

  override async fetch(request: Request): Promise<Response> {
    const header = request.headers.get(ROUTE_HEADER);
    if (header === null) return new Response("only the router connects to a shard", { status: 400 });
    const word = decodeRoute(header);
    this.#answer(word.contract);
    return this.#floors.upgrades.answer(word, request);
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    this.#wake();
    const { armSweep, connections, counters, moves, service } = this.#floors;
    const session = connections.sessions.bySocket.get(socket);
    // A socket without a session: closed by us, and the peer has not heard of it yet, or the front's stranger.
    this.#turns.frame(session === undefined ? undefined : socket);
    const frame = typeof message === "string" ? message : new Uint8Array(message);
    if (session === undefined) return service.stranger?.(socket, frame);
    session.lastFrameAt = Date.now();
    counters.counts.frames += 1;
    await connections.receive(session, frame, service.frame);
    moves.reports.worked(Date.now());
    await armSweep(session);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    this.#wake();
    this.#lost(socket, { code, reason });
    answerClose(socket, { code, reason });
  }

  override webSocketError(socket: WebSocket): void {
    this.#wake();
    this.#lost(socket, { code: 1006, reason: "" });
    // A message over the runtime's own limit ends here; so does a broken connection (docs/platform.md P4).
    answerClose(socket, this.#front.wire.closeFor("messageTooBig"));
  }

  override async alarm(): Promise<void> {
    this.#wake();
    const parts = { floors: this.#floors, times: this.#config.cluster.times, wire: this.#front.wire };
    await this.#floors.timetable.run(Date.now(), (duty, dueAt) =>
      runDuty(duty, { now: Date.now(), dueAt }, parts),
    );
  }

  /** The order may be late, so it does not say where this shard is in the broadcast channel (SPEC BD15). */
  async adopt(descriptor: Descriptor, _broadcast: Registration | undefined, contract: number): Promise<void> {
    this.#answer(contract);
    await this.#floors.moves.adopt(descriptor);
  }

  predict(descriptor: Descriptor, contract: number): Prediction {
    this.#answer(contract);
    return this.#floors.moves.predict(descriptor);
  }

  status(contract: number): ShardStatus {
    this.#answer(contract);
    const { usage, ...before } = this.#floors.status();
    if (contract < CONTRACT) return before;
    const guests = this.#floors.moves.guests.here();
    return { ...before, guests, ...(usage === undefined ? {} : { usage }) };
  }

  watch(until: number, contract: number): void {
    this.#answer(contract);
    this.#floors.livePulse.watch(until, Date.now());
  }

  deliver(delivery: Delivery, contract: number): Delivered | Promise<Delivered> {
    this.#answer(contract);
    return this.#deliver(delivery);
  }

  attends(channel: string, contract: number): boolean {
    this.#answer(contract);
    return this.#floors.channels.hasListeners(channel);
  }

  presenceHere(channel: string, contract: number): Present[] {
    this.#answer(contract);
    return this.#floors.subscriptions.presence.here(channel);
  }

  presenceUpTo(channel: string, limit: PresenceLimit, contract: number): PresenceList {
    this.#answer(contract);
    return this.#floors.subscriptions.presence.upTo(channel, limit);
  }

  presenceCount(channel: string, contract: number): PresenceCount {
    this.#answer(contract);
    return this.#floors.subscriptions.presence.count(channel);
  }

  channelsHere(pattern: string, limit: number, contract: number): Record<string, number> {
    this.#answer(contract);
    const all = { pattern, after: "", names: limit, bytes: Infinity };
    return Object.fromEntries(pageOfChannels(this.#floors.subscriptions.memberCounts(), all).channels);
  }

  channelsPage(query: ChannelsQuery, contract: number): ChannelsPage {
    this.#answer(contract);
    return pageOfChannels(this.#floors.subscriptions.memberCounts(), query);
  }

  sessionsOf(user: string, contract: number): SessionSummary[] {
    this.#answer(contract);
    return [...this.#sessionsOf(user, RELEASE_BEFORE_SESSIONS).sessions];
  }

  sessionsUpTo(user: string, limit: SessionsLimit, contract: number): SessionsPage {
    this.#answer(contract);
    return this.#sessionsOf(user, limit);
  }

  carryOut(order: ActOrder, _target: SentAddress, contract: number): Promise<Reached> {
    this.#answer(contract);
    return this.#orders.act(order.action);
  }

  sendOwned(message: OwnedMessage, contract: number): Promise<SentByRing> {
    this.#answer(contract);
    return this.#orders.sendOwned(message, contract);
  }

  relay(branch: Branch, contract: number): Promise<Outcome<Delivered | Reached>[]> {
    this.#answer(contract);
    return this.#orders.relay(branch);
  }

  async askFront(question: string, contract: number): Promise<string> {
    this.#answer(contract);
    const { answer } = this.#floors.service;
    if (answer === undefined) throw new Error(`the front ${this.#front.name} answers no questions`);
    return answer(question);
  }

  async elapse(contract: number): Promise<void> {
    this.#answer(contract);
    await this.alarm();
    await this.#floors.emptyChannels.settled();
  }

  crash(): void {
    this.ctx.abort("crashed by the operator");
  }

  #lost(socket: WebSocket, close: Close): void {
    const { connections, service } = this.#floors;
    if (!connections.sessions.bySocket.has(socket)) service.stranger?.(socket, undefined);
    connections.lost(socket, close);
  }

  #answer(contract: number): void {
    if (contract !== CONTRACT) checkContract(contract);
    this.#wake();
  }

  /** Every way into the object begins here. */
  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    try {
      this.#floors.wake();
    } catch (error) {
      // Half awake, it would be deaf to the channels of its clients, and they would not know.
      endLife(this.ctx, "the shard could not wake", { shard: this.#shard.id, error });
    }
  }

  /** Answers when the sessions here were sent it: the channel then sends the next batch (SPEC BD28). Throws over BD103. */
  #deliver(delivery: Delivery): Delivered | Promise<Delivered> {
    const { channels, emitter, moves, usage } = this.#floors;
    usage.hear(delivery.channel, delivery.usage);
    if (delivery.failed !== undefined) moves.reports.callersSaw(delivery.failed);
    if (emitter.isFull) throw new Error("too much waits to be sent to the clients of this shard");
    const delivered = channels.deliver(delivery);
    moves.reports.worked(Date.now());
    return !(delivered instanceof Promise) && emitter.isIdle ? delivered : this.#whenSent(delivered);
  }

  async #whenSent(delivered: Delivered | Promise<Delivered>): Promise<Delivered> {
    const answer = await delivered;
    await this.#floors.emitter.sent();
    return answer;
  }

  #sessionsOf(user: string, limit: SessionsLimit): SessionsPage {
    const { sessions } = this.#floors.connections;
    const ofUser = sessions.ofUser(user);
    const withId =
      limit.orId === undefined
        ? undefined
        : [...sessions].find(({ attachment: { state, id } }) => state === "open" && id === limit.orId);
    const found = withId === undefined || ofUser.includes(withId) ? ofUser : [withId, ...ofUser];
    return pageOfSessions(found, { limit, shard: this.#shard.id, config: this.#config });
  }
}

countEntries(Shard);
