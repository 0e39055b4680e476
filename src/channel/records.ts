import type { Config } from "../config/config.ts";
import { forClients } from "../contracts/publication.ts";
import { Events } from "../events/events.ts";
import type { Hooks } from "../hooks/hooks.ts";
import type { LogDuty } from "../log/channel-log-parts.ts";
import { ChannelLog } from "../log/channel-log.ts";
import type { UntoldUsage } from "../log/untold-usage.ts";
import type { Failures } from "../platform/failures.ts";
import { Timetable } from "../platform/timetable.ts";
import { logOptionsOf, parseChannel } from "../policy/channels.ts";
import { Occupancy } from "./occupancy.ts";

/** The parts of a channel that have something stored. */
export type Records = {
  readonly timetable: Timetable<LogDuty | "events" | "vacant">;
  readonly events: Events;
  readonly log: ChannelLog;
  readonly occupancy: Occupancy;
};

/** Opens what a channel has stored. `onForgotten`: a shard listens no more. */
export function openRecords(parts: {
  readonly ctx: DurableObjectState;
  readonly env: RingcastEnv;
  readonly config: Config;
  readonly hooks: Hooks;
  readonly channel: string;
  readonly onForgotten: () => void;
  readonly failures: Failures;
  readonly usage: UntoldUsage;
}): Records {
  const { ctx, env, config, hooks, channel, onForgotten, failures, usage } = parts;
  const { limits, times } = config.cluster;
  const timetable: Records["timetable"] = new Timetable(ctx.storage, usage);
  const events = new Events({ ctx, env, config, hooks, timetable, ordered: true });
  const parsed = parseChannel(channel, limits.channelBytes);
  const log: ChannelLog = new ChannelLog({
    ctx,
    env,
    config,
    name: channel,
    namespace: parsed.ok ? logOptionsOf(config, parsed.channel) : undefined,
    timetable,
    failures,
    usage,
    onPublished: events.wants("published")
      ? (body, offset) => events.published(channel, forClients(body), offset)
      : undefined,
    onForgotten: () => {
      occupancy.left();
      onForgotten();
    },
  });
  const occupancy = new Occupancy({
    ctx,
    channel,
    events,
    timetable,
    graceMs: times.vacatedGraceMs,
    shards: () => log.size,
  });
  return { timetable, events, log, occupancy };
}
