import type { Context } from "hono";
import { bindingOfFront } from "../../platform/fronts.ts";
import { socketioOf } from "../../socketio/cluster.ts";
import { listRooms, listSockets } from "../../socketio/inspect-cluster.ts";
import { FRONT } from "../../socketio/names.ts";
import type { AnyEvents } from "../../socketio/types.ts";
import { adminRoute, fail, jsonBody, type AdminApp } from "./route.ts";
import { emitBody, emitted, roomList, roomsQuery, socketList, socketsQuery } from "./schemas/socketio.ts";

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
  app.openapi(
    adminRoute({
      method: "post",
      path: "/socketio/emit",
      summary: "Emit an event to rooms of Socket.IO, or to all sockets of a namespace",
      request: { body: jsonBody(emitBody) },
      answer: emitted,
    }),
    async (request) => {
      const { namespace, rooms, event, args } = request.req.valid("json");
      if (!hasFront(request)) return fail(request, 409, NO_FRONT);
      try {
        await socketioOf<AnyEvents, AnyEvents, unknown>(request.env)
          .of(namespace)
          .to(rooms)
          .emit(event, ...args);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return fail(request, 409, { code: "notEmitted", message });
      }
      return request.json({ emitted: true as const }, 200);
    },
  );
}

const hasFront = ({ env }: Context<{ Bindings: Cloudflare.Env }>): boolean =>
  bindingOfFront(env, FRONT) !== undefined;

const NO_FRONT = { code: "noSocketIo", message: "this deployment has no binding SHARD_SOCKETIO" };
