import * as z from "zod";
import { shardAddress } from "../../contracts/address.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { channelStub, coordinatorStub, shardStub } from "../../platform/calls.ts";
import { moveClock, notedChannels } from "../../platform/clock.ts";
import { configOf } from "../../platform/config.ts";
import { frontsOf } from "../../platform/fronts.ts";
import { addRoute, fail, type AdminApp } from "./route.ts";

/** No registration outlives its last listener for longer. */
const SETTLE_MS = 120_000;
const STEP_MS = 60_000;
/** The channels that are called at the same time. */
const AT_ONCE = 100;
const YEAR_MS = 366 * 24 * 60 * 60_000;
const body = z.strictObject({
  advanceMs: z.number().int().min(1).max(YEAR_MS).meta({ description: "By how much the time goes on, ms." }),
});
const answer = z.object({
  now: z.number().int().meta({ description: "The time of the cluster, ms since 1970." }),
});

/** The route that moves the time of a cluster on one machine, for tests (SPEC PK25). */
export function addTime(app: AdminApp): void {
  addRoute(
    app,
    {
      method: "post",
      path: "/time",
      summary: "Move the time on, for tests (only where `development` is on)",
      body,
      answer,
    },
    async (request, { body: { advanceMs } }) => {
      const { env } = request;
      if (!configOf(env).cluster.development)
        return fail(request, 403, {
          code: "developmentOnly",
          message: "the time can be moved only where `development` is on",
        });
      let now = Date.now();
      for (const ms of stepsOf(advanceMs)) {
        now = moveClock(ms);
        await elapse(env);
      }
      return { now };
    },
  );
}

/**
 * The time moves in steps, as what becomes due in one makes appointments within the next: a shard ends a registration a
 * minute or two after the last listener, the channel is vacated seconds later, and much later it is forgotten.
 */
function stepsOf(ms: number): readonly number[] {
  if (ms <= SETTLE_MS + STEP_MS) return [ms];
  const rest = ms - SETTLE_MS - STEP_MS;
  return [SETTLE_MS, STEP_MS, ...(rest <= STEP_MS ? [rest] : [rest - STEP_MS, STEP_MS])];
}

/** Shards come first: they tell channels that their last listener has gone. */
async function elapse(env: RingcastEnv): Promise<void> {
  const coordinator = coordinatorStub(env);
  const { shards } = await coordinator.descriptor(CONTRACT);
  const objects = shards.flatMap((shard) =>
    frontsOf(env).map((front) => shardStub(env, shardAddress(front, shard))),
  );
  await Promise.all(objects.map((shard) => shard.elapse(CONTRACT)));
  await coordinator.elapse(CONTRACT);
  const channels = notedChannels();
  while (channels.length > 0)
    await Promise.all(
      channels.splice(0, AT_ONCE).map((channel) => channelStub(env, channel).elapse(CONTRACT)),
    );
}
