import type { WaitingEvents } from "../../contracts/log.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub, homeStub, within } from "../../platform/calls.ts";
import { configOf } from "../../platform/config.ts";
import { logError } from "../../platform/logger.ts";
import { homeOf, parseChannel } from "../../policy/channels.ts";
import { addRoute, fail, type AdminApp } from "./route.ts";
import { eventsQuery, waitingEvents } from "./schemas/events.ts";

/** The route that shows what waits for the application: a channel tells nobody of it, so each look asks (SPEC OP26). */
export function addEvents(app: AdminApp): void {
  addRoute(
    app,
    {
      method: "get",
      path: "/events",
      summary:
        "Show the events that wait for the hooks and the webhook at the busiest channels; the live feed has those of the shards",
      query: eventsQuery,
      answer: waitingEvents,
    },
    async (request, { query }) => {
      const { env } = request;
      const { channel } = query;
      if (channel !== undefined) {
        const parsed = parseChannel(channel, configOf(env).cluster.limits.channelBytes);
        if (!parsed.ok)
          return fail(request, 400, { code: "badRequest", message: "the name is no channel's" });
        const isOfCoordinator = homeOf(configOf(env), channel).kind === "coordinator";
        const asked = isOfCoordinator ? [] : [channel];
        const coordinator = isOfCoordinator ? ((await ask(env, undefined)) ?? null) : null;
        const rest = { coordinator, truncated: false, silentShards: [] };
        return { ...rest, ...(await askChannels(env, asked)) };
      }
      const list = await coordinatorStub(env).channels("", CONTRACT);
      const names = Object.entries(list.channels)
        .toSorted(([, one], [, other]) => other - one)
        .map(([name]) => name);
      const [coordinator, channels] = await Promise.all([
        ask(env, undefined),
        askChannels(env, names.slice(0, query.limit), (one) => one.waiting > 0 || one.dropped > 0),
      ]);
      const truncated = list.truncated || names.length > query.limit;
      const silentShards = list.unreachable;
      return { coordinator: coordinator ?? null, truncated, silentShards, ...channels };
    },
  );
}

async function askChannels(
  env: RingcastEnv,
  names: readonly string[],
  isShown: (events: WaitingEvents) => boolean = () => true,
) {
  const answers = await Promise.all(
    names.map(async (channel) => ({ channel, events: await ask(env, channel) })),
  );
  return {
    asked: names.length,
    channels: answers
      .flatMap(({ channel, events }) => (events === undefined ? [] : { channel, ...events }))
      .filter(isShown)
      .toSorted((one, other) => other.waiting - one.waiting || other.dropped - one.dropped),
    unreachable: answers.filter(({ events }) => events === undefined).map(({ channel }) => channel),
  };
}

/** Asks a channel, or the coordinator. Undefined: it has not answered. */
async function ask(env: RingcastEnv, channel: string | undefined): Promise<WaitingEvents | undefined> {
  const config = configOf(env);
  const home = channel === undefined ? ({ kind: "coordinator" } as const) : homeOf(config, channel);
  try {
    const answer = homeStub(env, home).waitingEvents(CONTRACT);
    return await within(config.cluster.times.deliveryTimeoutMs, answer);
  } catch (error) {
    logError("the events that wait could not be counted", { channel, error });
    return undefined;
  }
}
