import { createRingcast } from "./ringcast.ts";

/**
 * The Worker of `npm start`: the shipped one, and a Socket.IO server to try (docs/from-socket-io.md). Any client may
 * join any room and speak there, so this is no server to deploy.
 */
const { handler, Shard, SocketIoShard, Channel, Coordinator } = createRingcast({
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

export default handler;
export { Shard, SocketIoShard, Channel, Coordinator };
