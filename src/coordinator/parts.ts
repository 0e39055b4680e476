import type { Config } from "../config/config.ts";
import { forClients } from "../contracts/publication.ts";
import { Events } from "../events/events.ts";
import type { Hooks } from "../hooks/hooks.ts";
import type { LogDuty } from "../log/channel-log-parts.ts";
import { ChannelLog } from "../log/channel-log.ts";
import { configuredDescriptor } from "../platform/configured.ts";
import { frontsOf } from "../platform/fronts.ts";
import { Timetable } from "../platform/timetable.ts";
import type { UsageLedger } from "../platform/usage-ledger.ts";
import { Broadcasts } from "./broadcasts.ts";
import { Changes } from "./changes.ts";
import { Live } from "./live.ts";
import { Members } from "./members.ts";
import { Outages } from "./outages.ts";
import { Scaling } from "./scaling.ts";
import { Store } from "./store.ts";

/** The duties of the coordinator's alarm. */
export type Duty = "tell" | "scale" | "regions" | "events" | LogDuty;

/** The parts of the coordinator. */
export type CoordinatorParts = {
  readonly config: Config;
  readonly usage: UsageLedger;
  readonly timetable: Timetable<Duty>;
  readonly store: Store;
  readonly members: Members;
  readonly live: Live;
  readonly events: Events;
  /** The broadcast channel's. */
  readonly log: ChannelLog;
  readonly broadcasts: Broadcasts;
  readonly changes: Changes;
  readonly scaling: Scaling;
  readonly outages: Outages;
};

/** Builds the parts and joins them. Every effect of one part on another is named here. */
export function buildParts(of: {
  readonly ctx: DurableObjectState;
  readonly env: RingcastEnv;
  readonly config: Config;
  readonly hooks: Hooks;
  readonly usage: UsageLedger;
}): CoordinatorParts {
  const { ctx, env, config, hooks, usage } = of;
  const { storage } = ctx;
  const { channel } = config.cluster.broadcast;
  const timetable = new Timetable<Duty>(storage);
  const store = new Store(storage, { first: configuredDescriptor(config), now: Date.now(), usage });
  const members = new Members(store, frontsOf(env));
  const live = new Live({ ctx, env, shards: () => members.holders() });
  const events = new Events({ ctx, env, config, hooks, timetable, ordered: true });
  const broadcasts = new Broadcasts();
  const log = new ChannelLog({
    ctx,
    env,
    config,
    name: channel,
    namespace: config.broadcast,
    timetable,
    onPublished: events.wants("published")
      ? (body, offset) => events.published(channel, forClients(body), offset)
      : undefined,
    onHeard: (shard, offset, sessions) => broadcasts.heard(shard, offset, sessions),
  });
  const changes = new Changes({
    env,
    config,
    timetable,
    store,
    members,
    events,
    live,
    renew: (shard) => log.renew(shard),
    waitUntil: (promise) => ctx.waitUntil(promise),
  });
  const ring = { store, members, changes };
  const scaling = new Scaling({ ...ring, storage, config, timetable, live });
  const outages = new Outages({ ...ring, storage, env, times: config.cluster.times, timetable });
  return {
    config,
    usage,
    timetable,
    store,
    members,
    live,
    events,
    log,
    broadcasts,
    changes,
    scaling,
    outages,
  };
}
