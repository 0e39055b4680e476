import type { Config } from "../config/config.ts";
import { addressKey, type ShardAddress } from "../contracts/address.ts";
import type { ShardStatus } from "../contracts/shard.ts";
import { CONTRACT } from "../contracts/version.ts";
import { Events } from "../events/events.ts";
import { Asker } from "../hooks/asker.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { channelStub } from "../platform/calls.ts";
import { channelPublisher } from "../platform/publisher.ts";
import { Timetable } from "../platform/timetable.ts";
import type { UsageMeter } from "../platform/usage-meter.ts";
import { isBroadcast } from "../policy/channels.ts";
import { acceptOperator } from "../tokens/operator.ts";
import { createVerifier } from "../tokens/verifier.ts";
import type { SocketEvents } from "./connections/awake-socket.ts";
import { Connections } from "./connections/connections.ts";
import type { Session } from "./connections/session.ts";
import { nextDeadline } from "./connections/sweep.ts";
import type { Frame } from "./frame.ts";
import type { Front, Service } from "./front.ts";
import { Moves, type MovesDuty } from "./moves/moves.ts";
import { Upgrades } from "./moves/upgrades.ts";
import { Counters } from "./records/counters.ts";
import { EmptyChannels } from "./records/empty-channels.ts";
import { ShardLoad } from "./records/load.ts";
import { LivePulse, type Vitals } from "./records/live-pulse.ts";
import { ShardUsage } from "./records/usage.ts";
import { SessionRows } from "./records/session-rows.ts";
import { Broadcast } from "./subscriptions/broadcast.ts";
import { Channels } from "./subscriptions/channels.ts";
import { Emitter } from "./subscriptions/emitter.ts";
import { LogCalls } from "./subscriptions/log-calls.ts";
import { Positions } from "./subscriptions/positions.ts";
import { Presence } from "./subscriptions/presence.ts";
import { Subscriptions } from "./subscriptions/subscriptions.ts";

/** The duties of a shard's alarm. */
export type Duty = "ping" | "sweep" | "events" | "vacancies" | "lost" | "front" | MovesDuty;

export type FloorsParts = {
  readonly ctx: DurableObjectState;
  readonly env: RingcastEnv;
  readonly config: Config;
  readonly shard: ShardAddress;
  readonly front: Front;
  readonly hooks: Hooks;
  readonly meter: UsageMeter;
  readonly socketEvents: SocketEvents;
};

/** The parts of a shard, each on its floor: connections, subscriptions, moves and records. */
export type Floors = {
  readonly timetable: Timetable<Duty>;
  readonly connections: Connections;
  readonly channels: Channels<Session>;
  readonly emitter: Emitter;
  readonly subscriptions: Subscriptions;
  readonly broadcast: Broadcast;
  readonly moves: Moves;
  readonly upgrades: Upgrades;
  readonly counters: Counters;
  readonly usage: ShardUsage;
  readonly events: Events;
  readonly emptyChannels: EmptyChannels;
  readonly sessionRows: SessionRows;
  readonly livePulse: LivePulse;
  readonly service: Service;
  readonly asker: Asker;
  /** Sees to it that the session is looked at when a part of it expires. */
  readonly armSweep: (session: Session) => Promise<void>;
  readonly status: () => ShardStatus;
  /** Takes up the sessions that slept with the object. */
  readonly wake: () => void;
};

function queueOf({ waiting, dropped }: Events): Pick<Vitals, "events"> {
  return waiting === 0 && dropped === 0 ? {} : { events: { waiting, dropped } };
}

/** Builds the floors of one shard and joins them. Every effect of a lower floor on a higher one is named here. */
export function buildFloors(parts: FloorsParts): Floors {
  const { ctx, env, config, shard, front, hooks, meter, socketEvents } = parts;
  const { cluster } = config;
  const { storage } = ctx;
  const { wire } = front;
  const wokeAt = Date.now();
  const counters = new Counters();
  const usage = new ShardUsage({ config, counters, meter });
  const timetable = new Timetable<Duty>(storage, usage.ledger);
  const arm = (duty: Duty, at: number): Promise<void> => timetable.arm(duty, at);
  const waitUntil = (promise: Promise<unknown>): void => ctx.waitUntil(promise);

  // Its events are each of another session, and those have no order among them.
  const events = new Events({ ctx, env, config, hooks, timetable, ordered: false });
  const sessionRows = new SessionRows({
    storage,
    events,
    shard: { id: shard.id, region: shard.region },
    present: () => new Set([...connections.sessions].map(({ attachment }) => attachment.id)),
    arm: (at) => waitUntil(arm("lost", at)),
  });
  const emptyChannels = new EmptyChannels({
    storage,
    isWanted: () => events.wants("occupied") || events.wants("vacated"),
    graceMs: cluster.times.vacatedGraceMs,
    listeners: (channel) => channels.listenersOf(channel).size,
    hasListeners: (channel) => channels.hasListeners(channel),
    settle: (channel) => channelStub(env, channel).settle(addressKey(shard), CONTRACT),
    arm: (at) => waitUntil(arm("vacancies", at)),
    appoint: (at) => waitUntil(timetable.set("vacancies", at)),
  });

  const connections = new Connections({
    ctx,
    cluster,
    wire,
    awake: front.staysAwake?.(config) === true ? socketEvents : undefined,
    onOpen: (open) => sessionRows.add(open),
    onRecall: (session) => subscriptions.wake(session, new Map()),
    onEnd: (session, { close, moving, why }) => {
      try {
        service.ended?.(session, why);
      } finally {
        subscriptions.leaveAll(session, { moving });
        counters.counts[moving ? "moved" : "disconnects"] += 1;
        counters.code("close", close.code);
        if (session.attachment.state === "open") sessionRows.delete(session.attachment, close);
      }
    },
  });

  const logs = new LogCalls({
    env,
    config,
    shard,
    onRegisterFailed: (channel) => {
      if (!isBroadcast(config, channel)) emptyChannels.registerFailed(channel);
    },
  });
  const load = new ShardLoad({ cluster, connections, counters });
  const emitter = new Emitter({ connections, wire, counters });
  const positions = new Positions(ctx, () => channels.positions());
  const channels: Channels<Session> = new Channels<Session>(
    cluster.limits,
    {
      register: (channel, listening) => {
        if (!isBroadcast(config, channel)) emptyChannels.registers(channel);
        return usage.hearAnswer(channel, logs.register(channel, listening));
      },
      view: (channel, after) => logs.view(channel, after),
      page: (channel, since) => logs.page(channel, since),
      emitter,
      positions,
      giveUp: (channel, sessions) => subscriptions.giveUp(channel, sessions),
    },
    cluster.broadcast.enabled ? cluster.broadcast.channel : undefined,
  );
  const presence = new Presence({
    env,
    config,
    shard,
    describe: front.describe,
    listenersOf: (channel) => channels.listenersOf(channel),
  });
  const subscriptions: Subscriptions = new Subscriptions({
    config,
    connections,
    channels,
    presence,
    emptyChannels,
    counters,
    wire,
  });
  const broadcast = new Broadcast({ config, connections, subscriptions, wire });

  const status = (): ShardStatus => ({
    sessions: connections.sessions.clients,
    users: connections.sessions.users,
    channels: channels.size,
    subscriptions: [...subscriptions.memberCounts().values()].reduce((sum, members) => sum + members, 0),
    wokeAt,
    ringEpoch: moves.membership.ringEpoch,
    digest: moves.membership.digest,
    ...(events.dropped === 0 ? {} : { droppedEvents: events.dropped }),
    usage: usage.report(),
  });
  const moves = new Moves({ storage, env, cluster, shard, connections, load, status, arm, waitUntil });
  const livePulse = new LivePulse({
    ctx,
    env,
    shard,
    counters,
    vitals: () => ({
      ringEpoch: moves.membership.ringEpoch,
      sessions: connections.sessions.clients,
      subscriptions: channels.subscriptions - subscriptions.ofOperators().length,
      channels: channels.size,
      ...queueOf(events),
      ...service.vitals?.(),
    }),
  });

  const { tokens, times } = cluster;
  const verifier = acceptOperator(
    createVerifier({ tokens, hmacSecrets: [env.TOKEN_HMAC_SECRET, env.TOKEN_HMAC_SECRET_PREVIOUS] }),
    [env.API_KEY, env.API_KEY_PREVIOUS],
  );
  const asker = new Asker(hooks, { env, ctx, shard, timeoutMs: times.hookTimeoutMs });
  const armSweep = async (session: Session): Promise<void> => {
    if (session.ended) return;
    const deadline = nextDeadline(session, times, Date.now());
    if (deadline !== undefined) await arm("sweep", deadline);
  };
  const receive = async (session: Session, frame: Frame): Promise<void> => {
    session.lastFrameAt = Date.now();
    counters.counts.frames += 1;
    await connections.receive(session, frame, service.frame);
    await armSweep(session);
  };
  const service: Service = front.serve({
    env,
    config,
    shard,
    connections,
    subscriptions,
    broadcast,
    verifier,
    asker,
    publisher: channelPublisher(env, times.deliveryTimeoutMs),
    counters,
    receive,
    members: () => moves.membership.ring?.descriptor.shards ?? [],
    isShard: (named) => moves.membership.isShard(named),
    callFailed: (named, error) => moves.reports.callFailed(named, error),
    emitter,
    storage,
    arm: (at) => waitUntil(arm("front", at)),
    nextPingAt: () => timetable.at("ping"),
  });
  emitter.encodeBatch = service.encodeBatch ?? emitter.encodeBatch;
  const upgrades = new Upgrades({
    ctx,
    cluster,
    shard,
    connections,
    moves,
    timetable,
    counters,
    service,
  });

  const wake = (): void => {
    waitUntil(timetable.wake());
    events.wake();
    const { sockets } = connections.wake();
    const kept = positions.wake({ sockets });
    const heard = kept.get(cluster.broadcast.channel);
    if (cluster.broadcast.enabled && heard !== undefined) channels.seed(cluster.broadcast.channel, heard);
    for (const session of connections.sessions) {
      subscriptions.wake(session, kept);
      service.woke?.(session);
      if (front.isWithoutBroadcast !== true) broadcast.wake(session);
    }
    sessionRows.wake(Date.now());
    emptyChannels.wake({ sockets });
    livePulse.wake(Date.now());
  };
  return {
    timetable,
    connections,
    channels,
    emitter,
    subscriptions,
    broadcast,
    moves,
    upgrades,
    counters,
    usage,
    events,
    emptyChannels,
    sessionRows,
    livePulse,
    service,
    asker,
    armSweep,
    status,
    wake,
  };
}
