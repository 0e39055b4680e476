import { bindingOfFront } from "../../platform/fronts.ts";
import { listRooms, listSockets } from "../../socketio/inspect-cluster.ts";
import { FRONT } from "../../socketio/names.ts";
import { addRoute, fail, type AdminApp, type AdminRequest } from "./route.ts";
import { roomList, roomsQuery, socketList, socketsQuery } from "./schemas/socketio.ts";

/** The routes that show the rooms and sockets of Socket.IO: each look is a call to each shard (SPEC SO56). */
export function addSocketIo(app: AdminApp): void {
  addRoute(
    app,
    {
      method: "get",
      path: "/socketio/rooms",
      summary: "List the largest rooms of a namespace of Socket.IO, over all shards",
      query: roomsQuery,
      answer: roomList,
    },
    async (request, { query }) => {
      const { namespace: nsp, limit } = query;
      if (!hasFront(request)) return fail(request, 409, NO_FRONT);
      return await listRooms(request.env, { nsp, limit });
    },
  );
  addRoute(
    app,
    {
      method: "get",
      path: "/socketio/sockets",
      summary: "List sockets of a namespace of Socket.IO, or of one of its rooms",
      query: socketsQuery,
      answer: socketList,
    },
    async (request, { query }) => {
      const { namespace: nsp, room = null, limit } = query;
      if (!hasFront(request)) return fail(request, 409, NO_FRONT);
      return await listSockets(request.env, { nsp, room, limit });
    },
  );
}

const hasFront = ({ env }: AdminRequest): boolean => bindingOfFront(env, FRONT) !== undefined;

const NO_FRONT = { code: "noSocketIo", message: "this deployment has no binding SHARD_SOCKETIO" };
