import { createRingcast } from "./ringcast.ts";

/**
 * The Worker of `npm start`: the shipped one, and a Socket.IO server to try (docs/from-socket-io.md). Any client may
 * join any room and speak there, so this is no server to deploy.
 */
const ringcast = createRingcast({
  socketio: (io) => {
    for (const namespace of [io, io.of("/chat")]) {
      namespace.on("join", async (socket, room, done) => {
        if (typeof room !== "string") return;
        await socket.join(room);
        if (typeof done === "function") done([...socket.rooms]);
      });
      namespace.on("leave", async (socket, room) => {
        if (typeof room === "string") await socket.leave(room);
      });
      namespace.on("say", async (socket, room, ...args) => {
        if (typeof room === "string") await socket.nsp.to(room).emit("said", ...args);
      });
    }
  },
});

export default ringcast.handler;
export class Shard extends ringcast.Shard {}
export class SocketIoShard extends ringcast.SocketIoShard {}
export class Channel extends ringcast.Channel {}
export class Coordinator extends ringcast.Coordinator {}
export class RingcastService extends ringcast.RingcastService {}
