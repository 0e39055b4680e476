import { createRingcast } from "../../../src/ringcast.ts";
import { describeApi } from "./api-app.ts";
import { describeApp } from "./app.ts";

const ringcast = createRingcast({
  socketio: (io) => {
    describeApp((nsp) => io.of(nsp));
    describeApi(io);
  },
});
const { handler, Shard, SocketIoShard, Channel, Coordinator } = ringcast;

/** The cluster, and what other code of a Worker would do: `/server?do=<verb>&...`. */
export default {
  async fetch(request: Request, env: Cloudflare.Env, context: ExecutionContext): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname !== "/server") return handler.fetch(request, env, context);
    const {
      verb,
      nsp = "/",
      rooms = [],
      except = [],
      args = [],
      room = "",
      volatile = false,
    } = await request.json<{
      verb: string;
      nsp?: string;
      rooms?: string[];
      except?: string[];
      args?: [string, ...unknown[]];
      room?: string;
      volatile?: boolean;
    }>();
    const io = ringcast.socketio(env).of(nsp);
    const sockets = io.sockets({ rooms, except });
    const target = io.to(rooms).except(except);
    if (verb === "emit") await (volatile ? target.volatile : target).emit(...(args as [string]));
    if (verb === "join") await sockets.join(room);
    if (verb === "leave") await sockets.leave(room);
    if (verb === "disconnect") await sockets.disconnect();
    return Response.json(verb === "fetch" ? await sockets.fetch() : null);
  },
};
export { Shard, SocketIoShard, Channel, Coordinator };
