import { createRingcast } from "../../src/ringcast.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { coordinatorStub, shardStub } from "../../src/platform/calls.ts";

/** A deployment whose regions can be cut off, and whose clients say in their address from where they come. */
const { handler, Shard: RealShard, Channel, Coordinator } = createRingcast();

const cutOff = new Set<string>();

/** The object of a region that is cut off does not come to life. */
export class Shard extends RealShard {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    if (cutOff.has(ctx.id.name?.split("/")[0] ?? "")) throw new Error("this region is cut off");
    super(ctx, env);
  }
}

/** Places at the edge, by the region that the router makes of them. */
const PLACES: Readonly<Record<string, { continent: string; longitude: string }>> = {
  enam: { continent: "NA", longitude: "-70" },
  weur: { continent: "EU", longitude: "2" },
};

export default {
  async fetch(request: Request, env: Cloudflare.Env, ctx: ExecutionContext): Promise<Response> {
    const url = new URL(request.url);
    const region = url.searchParams.get("region") ?? "";
    if (url.pathname === "/cut-off") {
      cutOff.add(region);
      // The living objects die with their sockets.
      const { shards } = await coordinatorStub(env).descriptor(CONTRACT);
      const here = shards.filter((shard) => shard.region === region);
      await Promise.allSettled(
        here.map(({ id }) => shardStub(env, { name: `${region}/${id}`, region }).crash()),
      );
      return new Response(null, { status: 204 });
    }
    if (url.pathname === "/restore") {
      cutOff.delete(region);
      return new Response(null, { status: 204 });
    }
    const place = PLACES[region];
    return handler.fetch(place === undefined ? request : new Request(request, { cf: place }), env, ctx);
  },
};
export { Channel, Coordinator };
