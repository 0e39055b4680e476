/** The shipped Ringcast, with a clock around `deliver` and a path past the router. */
import { configOf } from "../../src/platform/config.ts";
import { channelStub, shardStub } from "../../src/platform/calls.ts";
import { bindingOfFront } from "../../src/platform/fronts.ts";
import { FIRST_FRONT, shardAddress } from "../../src/contracts/address.ts";
import type { Delivered, Delivery } from "../../src/contracts/orders.ts";
import type { ShardStatus } from "../../src/contracts/shard.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { encodeRoute, ROUTE_HEADER } from "../../src/contracts/route.ts";
import { buildRing } from "../../src/ring/build.ts";
import { configuredDescriptor } from "../../src/platform/configured.ts";
import { createRingcast } from "../../src/ringcast.ts";
import type { Shard as AnyShard } from "../../src/shard/shard.ts";
import { FRONT } from "../../src/socketio/names.ts";
import type { HotOrder } from "../lib/hot.ts";
import { Spans } from "../lib/spans.ts";
import { publishHot } from "./publishers.ts";

const shipped = createRingcast({
  socketio: (io) => {
    io.on("join", async (socket, ...args) => {
      const joined = args.pop() as () => void;
      await socket.join(args as string[]);
      joined();
    });
    io.on("room", (socket, room: string, data: string) => void socket.nsp.to(room).emit("room", data));
  },
});

const measured = (Shipped: typeof AnyShard) =>
  class extends Shipped {
    readonly #spans = new Spans();
    #wokeInMs: number | undefined;

    override deliver(delivery: Delivery, contract: number): Promise<Delivered> {
      return this.#spans.timeAsync(async () => super.deliver(delivery, contract));
    }

    /** The first call of an object's life wakes it. */
    override status(contract: number): ShardStatus {
      const startedAt = performance.now();
      const status = super.status(contract);
      this.#wokeInMs ??= performance.now() - startedAt;
      return status;
    }

    spans(): number[] {
      return this.#spans.take();
    }

    /** The ms that the shard needed to restore its sessions after a sleep. `first`: this call has woken the shard. */
    woke(): { readonly ms: number; readonly sessions: number; readonly first: boolean } {
      const first = this.#wokeInMs === undefined;
      const { sessions } = this.status(CONTRACT);
      return { ms: this.#wokeInMs ?? NaN, sessions, first };
    }
  };

export class Shard extends measured(shipped.Shard as typeof shipped.Shard & typeof AnyShard) {}
export class SocketIoShard extends measured(
  shipped.SocketIoShard as typeof shipped.Shard & typeof AnyShard,
) {}

/** The paths of the benchmark. A request to any other address reaches what ships without a step of ours. */
const OWN_PATH = /^[^?]*\/(spans|woke|direct|hot|channel)(?:\?|$)/;
const SHARD = { id: "auto-1", region: "auto" };
let route: string | undefined;

export default {
  fetch(request: Request, env: Cloudflare.Env, context: ExecutionContext): Response | Promise<Response> {
    const [, path] = OWN_PATH.exec(request.url) ?? [];
    return path === undefined ? shipped.handler.fetch(request, env, context) : answer(path, request, env);
  },
};

async function answer(path: string, request: Request, env: Cloudflare.Env): Promise<Response> {
  // The row of Socket.IO has a binding of its own.
  const front = bindingOfFront(env, FRONT) === undefined ? FIRST_FRONT : FRONT;
  const shard = shardStub(env, shardAddress(front, SHARD)) as unknown as DurableObjectStub<Shard>;
  switch (path) {
    case "spans":
      return Response.json(await shard.spans());
    case "woke":
      return Response.json(await shard.woke());
    case "direct": {
      route ??= routeOf(env);
      const headers = new Headers(request.headers);
      headers.set(ROUTE_HEADER, route);
      return shard.fetch(new Request(request, { headers }));
    }
    case "hot": {
      const { shards, ...order } = await request.json<HotOrder & { readonly shards: number }>();
      return Response.json(await publishHot(env, shards, order));
    }
    default:
      return Response.json(
        await channelStub(env, "kept:quiet").publish(
          { id: crypto.randomUUID(), body: `{"data":${JSON.stringify(await request.text())}}` },
          CONTRACT,
        ),
      );
  }
}

function routeOf(env: Cloudflare.Env): string {
  const ring = buildRing(configuredDescriptor(configOf(env)));
  const { epoch } = ring.descriptor;
  return encodeRoute({
    contract: CONTRACT,
    key: "a",
    clientRegion: "auto",
    ringEpoch: epoch,
    digest: ring.digest,
    refused: [],
  });
}

export const { Channel, Coordinator } = shipped;
export { Bare, Publishers } from "./publishers.ts";
