import { DurableObject } from "cloudflare:workers";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import { createRingcast, defineChannels } from "../../../src/ringcast.ts";

/** The bodies of the messages that came to the dead-letter queue. */
export const dead: unknown[] = [];

export const realtime = createRingcast();

export class Shard extends realtime.Shard {}
export class Channel extends realtime.Channel {}
export class Coordinator extends realtime.Coordinator {}
export class RingcastService extends realtime.RingcastService {}

/** What the hooks of the second cluster have got. */
export const heard: unknown[] = [];

const isNumber: StandardSchemaV1<number> = {
  "~standard": {
    version: 1,
    vendor: "own",
    validate: async (value) => {
      await scheduler.wait(1);
      if (value === 13) throw new Error("bad luck");
      return typeof value === "number" ? { value } : { issues: [{ message: "no number" }] };
    },
  },
};

/** A second cluster in the same Worker. */
export const games = createRingcast({
  prefix: "GAME_",
  channels: defineChannels({
    "typed:moves:*": z.object({ by: z.string(), to: z.array(z.object({ x: z.number() })) }),
    "typed:scores:*": isNumber,
  }),
  hooks: {
    onPublish({ data }) {
      if (data === 7) return { data: "seven" };
      return data === 8 ? { data: 88 } : undefined;
    },
    onSubscribe({ env, ctx, channel }) {
      heard.push(env);
      ctx.waitUntil(realtime(env).publish("kept:from-game", { channel }));
    },
  },
});

export class GameShard extends games.Shard {}
export class GameChannel extends games.Channel {}
export class GameCoordinator extends games.Coordinator {}

/** An object of the application's own. */
export class Game extends DurableObject<Cloudflare.Env> {
  async score(points: number) {
    return realtime(this.env).publish("kept:game", { points });
  }
}

export default {
  ...realtime.handler,
  async queue(batch, env) {
    if (batch.queue === "dead") dead.push(...batch.messages.map(({ body }) => body));
    else await realtime.consumeQueue(batch, env);
  },
  async scheduled(_, env) {
    await realtime(env).publish("kept:cron", { tick: true });
  },
} satisfies ExportedHandler<Cloudflare.Env>;
