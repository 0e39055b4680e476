import type { Context } from "hono";
import { bindingOfFront } from "../../platform/fronts.ts";
import { listRooms, listSockets } from "../../socketio/inspect-cluster.ts";
import { FRONT } from "../../socketio/names.ts";
import { adminRoute, fail, type AdminApp } from "./route.ts";
import { roomList, roomsQuery, socketList, socketsQuery } from "./schemas/socketio.ts";

/** The routes that show the rooms and sockets of Socket.IO: each look is a call to each shard (SPEC SO56). */
export function addSocketIo(app: AdminApp): void {
  app.openapi(
    adminRoute({
      method: "get",
      path: "/socketio/rooms",
      summary: "List the largest rooms of a namespace of Socket.IO, over all shards",
      request: { query: roomsQuery },
      answer: roomList,
    }),
    async (request) => {
      const { namespace: nsp, limit } = request.req.valid("query");
      if (!hasFront(request)) return fail(request, 409, NO_FRONT);
      return request.json(await listRooms(request.env, { nsp, limit }), 200);
    },
  );
  app.openapi(
    adminRoute({
      method: "get",
      path: "/socketio/sockets",
      summary: "List sockets of a namespace of Socket.IO, or of one of its rooms",
      request: { query: socketsQuery },
      answer: socketList,
    }),
    async (request) => {
      const { namespace: nsp, room = null, limit } = request.req.valid("query");
      if (!hasFront(request)) return fail(request, 409, NO_FRONT);
      return request.json(await listSockets(request.env, { nsp, room, limit }), 200);
    },
  );
}

const hasFront = ({ env }: Context<{ Bindings: Cloudflare.Env }>): boolean =>
  bindingOfFront(env, FRONT) !== undefined;

const NO_FRONT = { code: "noSocketIo", message: "this deployment has no binding SHARD_SOCKETIO" };
