import { createRingcast } from "../../src/ringcast.ts";

/** An application that has its cluster below a path of its own. */
const realtime = createRingcast({ basePath: "/realtime" });

export class Shard extends realtime.Shard {}
export class Channel extends realtime.Channel {}
export class Coordinator extends realtime.Coordinator {}
export class RingcastService extends realtime.RingcastService {}

export default {
  async fetch(request, env, ctx) {
    return (await realtime.routeRequest(request, env, ctx)) ?? new Response("Not found", { status: 404 });
  },
} satisfies ExportedHandler<Cloudflare.Env>;
