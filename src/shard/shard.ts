import { DurableObject } from "cloudflare:workers";
import type { Config } from "../config.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { within } from "../platform/call.ts";
import { configOf } from "../platform/config.ts";
import { coordinatorStub } from "../platform/stubs.ts";
import { Timetable } from "../platform/timetable.ts";
import { TokenBucket } from "../platform/token-bucket.ts";
import { callOne, timed } from "../fanout/fan-out.ts";
import { DISCONNECTS } from "../centrifuge/codes.ts";
import { isBroadcast } from "../policy/permissions.ts";
import type { Delivery, DeliveryResult, Present, Registration } from "../contracts/delivery.ts";
import type { Done, Order, Outcome, SentByRing, Target } from "../contracts/fanout.ts";
import type { MovesReport, Prediction, SessionSummary, ShardStatus } from "../contracts/membership.ts";
import { PING_FRAME, PONG_ABSORBER } from "../centrifuge/reply.ts";
import { fits } from "../policy/glob.ts";
import { decodeRoute, REFUSAL_STATUS, ROUTE_HEADER, type Refusal, type Route } from "../contracts/route.ts";
import { buildRing } from "../ring/build.ts";
import type { Descriptor } from "../ring/descriptor.ts";
import type { Ring } from "../ring/ring.ts";
import { acceptOperator } from "../tokens/operator.ts";
import { createVerifier } from "../tokens/verifier.ts";
import { act } from "./actions.ts";
import type { ChronicleDuty } from "./records/records.ts";
import { Clients } from "./clients.ts";
import { runFrame } from "../centrifuge/commands/dispatch.ts";
import { RemotePresence } from "../centrifuge/commands/presence.ts";
import { Live } from "./records/pulse.ts";
import { Membership, mustMove, planAdmission } from "./moves/membership.ts";
import { Migration } from "./moves/migration.ts";
import { newSession, subscriptionsOf, type Opening, type Session } from "./connections/session.ts";
import { nextDeadline, pingAll, sweep } from "./connections/sweep.ts";

type Duty = "ping" | "sweep" | "moves" | "report" | ChronicleDuty;

/** How long a shard waits for the coordinator where it has to ask. */
const COORDINATOR_WAIT_MS = 3_000;
/** A migration runs on timers; this alarm takes it up again if the object was put away meanwhile. */
const MIGRATION_CHECK_MS = 5_000;
const REPORT_RETRY_MS = 5_000;

/** One part of the ring: the sockets of the keys that it owns, and who among them listens to what. */
export class Shard extends DurableObject<Cloudflare.Env> {
  /** A class of its own for each deployment carries its hooks (ringcast.ts). Static: no caller over RPC sees it. */
  static readonly hooks: Hooks = {};
  readonly #config: Config;
  readonly #id: string;
  readonly #clients: Clients;
  readonly #membership: Membership;
  readonly #migration: Migration;
  readonly #timetable: Timetable<Duty>;
  readonly #live: Live;
  readonly #remotePresence = new RemotePresence();
  readonly #wokeAt = Date.now();
  #awake = false;
  /** The ring until the last change, from which the pace of a migration follows. */
  #ringBefore: Ring | undefined;
  readonly #upgrades: TokenBucket;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const { hooks }: typeof Shard = new.target;
    const name = ctx.id.name ?? "";
    const region = name.slice(0, name.indexOf("/"));
    if (region === "") throw new Error("a shard is addressed by its region and id");
    this.#config = configOf(env);
    this.#id = name.slice(region.length + 1);
    this.#timetable = new Timetable(ctx.storage);
    this.#membership = new Membership(ctx.storage, name);
    this.#clients = new Clients({
      ctx,
      env,
      hooks,
      timetable: this.#timetable,
      config: this.#config,
      shard: { name, region },
      verifier: acceptOperator(
        createVerifier({ tokens: this.#config.cluster.tokens, hmacSecret: env.TOKEN_HMAC_SECRET }),
        env.API_KEY,
      ),
    });
    this.#live = new Live({
      ctx,
      env,
      shard: this.#id,
      counters: this.#clients.counters,
      vitals: () => ({
        ringEpoch: this.#membership.ringEpoch,
        sessions: this.#clients.sessions.size,
        subscriptions: this.#clients.hub.subscriptions,
        channels: this.#clients.hub.size,
      }),
    });
    this.#migration = new Migration(this.#clients, this.#membership, (done) => this.#moved(done));
    const { upgradeBurst, upgradesPerSecond } = this.#config.cluster.limits;
    this.#upgrades = new TokenBucket({ burst: upgradeBurst, perSecond: upgradesPerSecond }, Date.now());
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING_FRAME, PONG_ABSORBER));
  }

  /** An upgrade from the router: 101, or a `Refusal` as JSON. */
  override async fetch(request: Request): Promise<Response> {
    this.#wake();
    const header = request.headers.get(ROUTE_HEADER);
    if (header === null) return new Response("only the router connects to a shard", { status: 400 });
    const route = decodeRoute(header);
    await this.#settleDescriptor(route);

    const admission = planAdmission({
      ring: this.#membership.ring,
      shardName: this.#clients.shard.name,
      route,
      sessions: this.#clients.sessions.size,
      sessionsMax: this.#config.cluster.limits.sessionsPerShard,
    });
    if (admission.kind === "full") this.#rememberSpill();
    if (admission.kind !== "accept") return refuse(admission);
    if (!this.#upgrades.take(Date.now())) return refuse({ kind: "busy", retryAfterSeconds: 2 });
    return this.#accept(request, route, admission.rank);
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    this.#wake();
    const session = this.#clients.sessions.get(socket);
    // Closed by us, and the peer has not heard of it yet.
    if (session === undefined) return;
    session.lastFrameAt = Date.now();
    this.#clients.counters.add("frames");
    if (typeof message !== "string") return this.#clients.disconnect(session, "badRequest");
    if (longerThan(message, this.#config.cluster.limits.frameBytes)) {
      return this.#clients.disconnect(session, "messageTooBig");
    }
    await this.#clients.inOrder(session, () =>
      runFrame(this.#clients, this.#remotePresence, session, message),
    );
    await this.#armSweep(session);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    this.#wake(socket);
    this.#clients.lost(socket, { code, reason });
    // The runtime leaves the answer to us; without it the peer hangs in CLOSING. 1005, 1006 and 1015 are no codes
    // to send, and after 1006 there is nobody to hear.
    if (code === 1006) return;
    socket.close(code === 1005 || code === 1015 ? 1000 : code, reason);
  }

  override webSocketError(socket: WebSocket): void {
    this.#wake(socket);
    this.#clients.lost(socket, { code: 1006, reason: "" });
    // A message over the runtime's own limit ends here (platform §1.1); so does a broken connection.
    socket.serializeAttachment({ state: "closing", id: "" });
    try {
      socket.close(DISCONNECTS.messageTooBig.code, DISCONNECTS.messageTooBig.reason);
    } catch {
      // It is closed already.
    }
  }

  override async alarm(): Promise<void> {
    this.#wake();
    await this.#timetable.run(Date.now(), (duty, dueAt) => this.#run(duty, dueAt));
  }

  /**
   * Adopts a newer descriptor, from whoever shows it; older ones and repetitions change nothing. `heard`: where the
   * coordinator has this shard in the broadcast channel.
   */
  async adopt(descriptor: Descriptor, heard?: Registration): Promise<void> {
    this.#wake();
    const { broadcast } = this.#config.cluster;
    if (heard !== undefined && broadcast.enabled) this.#clients.hub.seed(broadcast.channel, heard);
    const before = this.#membership.ring;
    if (this.#membership.adopt(descriptor)) await this.#planMoves(before);
  }

  /** What a descriptor would move from here, by the function that the moves go by. */
  predict(descriptor: Descriptor): Prediction {
    this.#wake();
    const ring = buildRing(descriptor);
    const to: Record<string, number> = {};
    let sessions = 0;
    for (const { attachment } of this.#clients.sessions) {
      if (!mustMove(ring, this.#clients.shard.name, attachment)) continue;
      const owner = ring.owner(attachment.key, attachment.clientRegion)?.id ?? "";
      to[owner] = (to[owner] ?? 0) + 1;
      sessions += 1;
    }
    return { sessions, to };
  }

  status(): ShardStatus {
    this.#wake();
    const { hub, sessions } = this.#clients;
    return {
      sessions: sessions.size,
      users: sessions.users,
      channels: hub.size,
      subscriptions: hub.channels().reduce((sum, [, listeners]) => sum + listeners, 0),
      wokeAt: this.#wokeAt,
      ringEpoch: this.#membership.ringEpoch,
      digest: this.#membership.digest,
    };
  }

  /** Speaks to the live feed until then. */
  watch(until: number): void {
    this.#wake();
    this.#live.watch(until, Date.now());
  }

  deliver(delivery: Delivery): Promise<DeliveryResult> {
    this.#wake();
    return this.#clients.hub.deliver(delivery);
  }

  /** Whether anybody here listens to a channel. False ends the registration under which it is asked. */
  attends(channel: string): boolean {
    this.#wake();
    return this.#clients.hub.attends(channel);
  }

  /** Who listens to a channel through this shard. */
  presenceHere(channel: string): Present[] {
    this.#wake();
    return this.#clients.presenceHere(channel);
  }

  /** How many sessions listen to each channel here, of those whose name matches, `limit` names at most. */
  channelsHere(pattern: string, limit: number): Record<string, number> {
    this.#wake();
    const matches = (name: string) => pattern === "" || fits(pattern, name);
    const channels = this.#clients.hub.channels().filter(([name]) => matches(name));
    return Object.fromEntries(channels.slice(0, limit));
  }

  sessionsOf(user: string): SessionSummary[] {
    this.#wake();
    return this.#clients.sessions.ofUser(user).map((session) => ({
      client: session.attachment.id,
      user,
      key: session.attachment.key,
      shard: this.#id,
      connectedAt: session.attachment.openedAt,
      channels: [...subscriptionsOf(session).keys()].filter((name) => !isBroadcast(this.#config, name)),
    }));
  }

  /** Does this shard's part of what goes out to many. */
  async carryOut(order: Order, target: Target): Promise<Done> {
    this.#wake();
    if (order.kind === "deliver") {
      const { registration = 0, mayRepeat = true } = target;
      const { kind, sessions } = await this.#clients.hub.deliver({
        ...order.delivery,
        registration,
        mayRepeat,
      });
      return { sessions, noListeners: kind === "noListeners", users: new Map() };
    }
    const done = await act(this.#clients, order.action);
    for (const user of done.users.keys()) {
      for (const session of this.#clients.sessions.ofUser(user)) await this.#armSweep(session);
    }
    return done;
  }

  /** Sends to users whom this shard owns, unless it knows of a newer ring than whoever says so. */
  async sendOwned(message: {
    users: readonly string[];
    frame: string;
    ringEpoch: number;
  }): Promise<SentByRing> {
    this.#wake();
    const spilled = this.ctx.storage.kv.get<boolean>("spilled") === true;
    const known = this.#membership.ring?.descriptor;
    if (known !== undefined && known.epoch > message.ringEpoch) return { newer: known, done: null, spilled };
    const { users, frame } = message;
    return { newer: null, done: await act(this.#clients, { kind: "send", users, frame }), spilled };
  }

  /** Carries out an order here and has other shards do so; answers for each, also for those that were not reached. */
  relay(branch: { order: Order; targets: readonly Target[]; waitMs: number }): Promise<Outcome[]> {
    const { order, targets, waitMs } = branch;
    return Promise.all(
      targets.map((target) =>
        target.name === this.#clients.shard.name
          ? timed(target, () => this.carryOut(order, target))
          : callOne(this.env, { order, target, waitMs }),
      ),
    );
  }

  /** Dies as a crash would have it: no close frame, nothing in memory left. For development only. */
  crash(): void {
    this.ctx.abort("crashed by the operator");
  }

  #wake(...closing: readonly WebSocket[]): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#clients.wake(closing);
    this.#live.wake(Date.now());
  }

  #accept(request: Request, route: Route, rank: number): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    const opening: Opening = {
      state: "opening",
      id: crypto.randomUUID(),
      openedAt: Date.now(),
      key: route.key,
      clientRegion: route.clientRegion,
      rank,
      ...(route.token === undefined ? {} : { token: route.token }),
      ...(route.identity === undefined ? {} : { identity: route.identity }),
    };
    this.ctx.acceptWebSocket(server);
    server.serializeAttachment(opening);
    const session = newSession(server, opening, this.#config.cluster.limits);
    this.#clients.sessions.add(session);
    const { times } = this.#config.cluster;
    this.ctx.waitUntil(this.#timetable.arm("ping", opening.openedAt + times.pingIntervalMs));
    this.ctx.waitUntil(this.#armSweep(session));
    const offered = request.headers
      .get("sec-websocket-protocol")
      ?.split(",")
      .map((one) => one.trim());
    const headers = new Headers();
    if (offered?.includes("centrifuge-json") === true)
      headers.set("sec-websocket-protocol", "centrifuge-json");
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  /** Two descriptors of one epoch, or none at all: only the coordinator knows which is true. */
  async #settleDescriptor(route: Route): Promise<void> {
    const known = this.#membership.ring;
    const twins = known !== undefined && known.descriptor.epoch === route.ringEpoch;
    if (known !== undefined && !(twins && known.digest !== route.digest)) return;
    try {
      await this.#heed(await within(COORDINATOR_WAIT_MS, coordinatorStub(this.env).descriptor()));
    } catch (error) {
      console.error("the coordinator could not be asked for the descriptor", error);
    }
  }

  /** The coordinator's own word, which also settles a dispute within an epoch. */
  async #heed(descriptor: Descriptor): Promise<void> {
    const before = this.#membership.ring;
    if (this.#membership.correct(descriptor)) await this.#planMoves(before);
  }

  async #planMoves(before: Ring | undefined): Promise<void> {
    this.#ringBefore = before;
    await this.#timetable.arm("moves", Date.now());
  }

  /** From now on, for good, some of this shard's keys may be with the next owners. */
  #rememberSpill(): void {
    if (this.ctx.storage.kv.get<boolean>("spilled") !== true) this.ctx.storage.kv.put("spilled", true);
  }

  async #armSweep(session: Session): Promise<void> {
    if (!this.#clients.sessions.has(session)) return;
    const deadline = nextDeadline(session, this.#config.cluster.times, Date.now());
    if (deadline !== undefined) await this.#timetable.arm("sweep", deadline);
  }

  async #run(duty: Duty, dueAt: number): Promise<number | undefined> {
    const now = Date.now();
    switch (duty) {
      case "ping":
        return this.#ping(now, dueAt);
      case "sweep":
        return sweep(this.#clients, now);
      case "moves":
        this.#migration.start(this.#ringBefore);
        return this.#migration.running ? now + MIGRATION_CHECK_MS : undefined;
      case "report":
        return this.#report(now);
      case "events":
      case "vacancies":
        return this.#clients.chronicle.run(duty, now);
    }
  }

  #ping(now: number, dueAt: number): number | undefined {
    const { pingIntervalMs, healthReportMs } = this.#config.cluster.times;
    pingAll(this.#clients, now, dueAt - pingIntervalMs, PING_FRAME);
    const last = this.ctx.storage.kv.get<{ at: number; status: ShardStatus }>("reported");
    const changed = JSON.stringify(last?.status) !== JSON.stringify(this.status());
    if (changed && now - (last?.at ?? 0) >= healthReportMs)
      this.ctx.waitUntil(this.#timetable.arm("report", now));
    return this.#clients.sessions.size === 0 ? undefined : now + pingIntervalMs;
  }

  #moved(done: { readonly ringEpoch: number; readonly moved: number }): void {
    const reports = this.ctx.storage.kv.get<MovesReport[]>("moves") ?? [];
    this.ctx.storage.kv.put("moves", [...reports, { shard: this.#id, ...done }]);
    this.ctx.waitUntil(this.#timetable.arm("report", Date.now()));
  }

  /** Tells the coordinator what it counts and, drained and empty, that it may be removed. */
  async #report(now: number): Promise<number | undefined> {
    const moves = this.ctx.storage.kv.get<MovesReport[]>("moves") ?? [];
    const status = this.status();
    try {
      const { descriptor } = await within(
        COORDINATOR_WAIT_MS,
        coordinatorStub(this.env).report({ shard: this.#clients.shard, status, moves }),
      );
      this.ctx.storage.kv.put("reported", { at: now, status });
      const since = this.ctx.storage.kv.get<MovesReport[]>("moves") ?? [];
      this.ctx.storage.kv.put("moves", since.slice(moves.length));
      if (descriptor !== null) await this.#heed(descriptor);
      const drained = this.#membership.self?.state === "draining" && this.#clients.sessions.size === 0;
      if (drained && !this.#migration.running) {
        await within(COORDINATOR_WAIT_MS, coordinatorStub(this.env).drained(this.#id));
      }
      return since.length > moves.length ? now : undefined;
    } catch (error) {
      console.error("the coordinator could not be told", error);
      return now + REPORT_RETRY_MS;
    }
  }
}

function refuse(refusal: Refusal): Response {
  const headers = new Headers();
  if (refusal.kind === "busy") headers.set("retry-after", String(refusal.retryAfterSeconds));
  return Response.json(refusal, { status: REFUSAL_STATUS[refusal.kind], headers });
}

/** Whether a text has more UTF-8 bytes than `limit`; counted only where its length leaves it open. */
function longerThan(text: string, limit: number): boolean {
  if (text.length > limit) return true;
  if (text.length * 3 <= limit) return false;
  return new TextEncoder().encode(text).byteLength > limit;
}
