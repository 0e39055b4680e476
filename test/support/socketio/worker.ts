import { shardAddress } from "../../../src/contracts/address.ts";
import { CONTRACT } from "../../../src/contracts/version.ts";
import { shardStub } from "../../../src/platform/calls.ts";
import { createRingcast } from "../../../src/ringcast.ts";
import { FRONT } from "../../../src/socketio/names.ts";
import { describeApi } from "./api-app.ts";
import { describeApp } from "./app.ts";
import { describeCareless } from "./careless-app.ts";

const ringcast = createRingcast({
  socketio: (io) => {
    describeApp((nsp) => io.of(nsp));
    describeApi(io);
    describeCareless(io);
  },
});
const { handler, Shard, SocketIoShard, Channel, Coordinator } = ringcast;

/** A page of this origin, for clients in a browser. */
const PAGE = '<!doctype html><link rel="icon" href="data:," />';

/** The cluster, and what other code of a Worker would do: `/server?do=<verb>&...`. */
export default {
  async fetch(request: Request, env: Cloudflare.Env, context: ExecutionContext): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/page") return new Response(PAGE, { headers: { "content-type": "text/html" } });
    if (url.pathname !== "/server") return handler.fetch(request, env, context);
    const {
      verb,
      nsp = "/",
      rooms = [],
      except = [],
      args = [],
      room = "",
      volatile = false,
      timeoutMs = 60_000,
    } = await request.json<{
      verb: string;
      nsp?: string;
      rooms?: string[];
      except?: string[];
      args?: [string, ...unknown[]];
      room?: string;
      volatile?: boolean;
      timeoutMs?: number;
    }>();
    const io = ringcast.socketio(env).of(nsp);
    const target = io.to(rooms).except(except);
    const [event = "", ...rest] = args;
    if (verb === "ask")
      return resultOf(
        target
          .except(except)
          .timeout(timeoutMs)
          .emitWithAck(event, ...rest),
      );
    if (verb === "woke at") {
      const shard = shardAddress(FRONT, { region: "auto", id: room });
      return Response.json((await shardStub(env, shard).status(CONTRACT)).wokeAt);
    }
    if (verb === "tell servers") await io.serverSideEmit(event, ...rest);
    if (verb === "ask servers") return resultOf(io.serverSideEmitWithAck(event, ...rest));
    if (verb === "emit") await (volatile ? target.volatile : target).emit(...(args as [string]));
    if (verb === "local") return failureOf(target.local.emit("said"));
    if (verb === "join") await target.socketsJoin(room);
    if (verb === "leave") await target.socketsLeave(room);
    if (verb === "disconnect") await target.disconnectSockets();
    if (verb !== "fetch") return Response.json(null);
    const sockets = await target.fetchSockets();
    return Response.json(sockets.map(({ id, data, rooms }) => ({ id, data, rooms: [...rooms] })));
  },
};
export { Shard, SocketIoShard, Channel, Coordinator };

const failureOf = async (work: Promise<unknown>): Promise<Response> =>
  work.then(
    () => Response.json(null),
    (error: Error) => Response.json(error.message),
  );

/** The answers of many, or the error and the answers that have come. */
const resultOf = async (work: Promise<unknown[]>): Promise<Response> =>
  work.then(
    (answers) => Response.json({ answers }),
    (error: Error & { responses: unknown[] }) =>
      Response.json({ error: error.message, answers: error.responses }),
  );
