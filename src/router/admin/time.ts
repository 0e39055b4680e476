import * as z from "zod";
import { shardAddress } from "../../contracts/address.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { channelStub, coordinatorStub, shardStub } from "../../platform/calls.ts";
import { moveClock, notedChannels } from "../../platform/clock.ts";
import { configOf } from "../../platform/config.ts";
import { frontsOf } from "../../platform/fronts.ts";
import { addRoute, fail, type AdminApp } from "./route.ts";

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
      const now = moveClock(advanceMs);
      const coordinator = coordinatorStub(env);
      const { shards } = await coordinator.descriptor(CONTRACT);
      await Promise.all([
        coordinator.elapse(CONTRACT),
        ...shards.flatMap((shard) =>
          frontsOf(env).map((front) => shardStub(env, shardAddress(front, shard)).elapse(CONTRACT)),
        ),
        ...notedChannels().map((channel) => channelStub(env, channel).elapse(CONTRACT)),
      ]);
      return { now };
    },
  );
}
