import { createRingcast } from "../../src/ringcast.ts";
import { configOf } from "../../src/platform/config.ts";
import { configuredDescriptor } from "../../src/platform/configured.ts";
import { forward } from "../../src/router/forward.ts";
import { RingCache } from "../../src/router/ring-cache.ts";
import { Shard as AnyShard } from "../../src/shard/shard.ts";
import { lineFront } from "./line-front.ts";

/** A deployment with a second front: it has its own class on the same ring, and its own path. */
export class LineShard extends AnyShard {
  static override readonly front = lineFront();
}

type Handler = {
  fetch(request: Request, env: Cloudflare.Env, context: ExecutionContext): Promise<Response>;
};

/** A Worker in its own isolate: it knows only the configured shards. */
export function createWorker(): Handler {
  const { handler } = createRingcast();
  let cache: RingCache | undefined;
  return {
    async fetch(request, env, context) {
      const url = new URL(request.url);
      if (url.pathname !== "/line") return handler.fetch(request, env, context);
      cache ??= new RingCache(configuredDescriptor(configOf(env)));
      const key = url.searchParams.get("key") ?? "";
      const forwarded = await forward({ env, front: "line", cache, key, clientRegion: "auto" });
      if (forwarded.kind === "connected") return forwarded.response;
      return new Response(forwarded.message, { status: 503 });
    },
  };
}

const { Shard, Channel, Coordinator } = createRingcast();

export default createWorker();
export { Shard, Channel, Coordinator };
