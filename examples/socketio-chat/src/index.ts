import { createRingcast, type ServerHandlers, type Socket } from "ringcast";
import type { ToClient, ToServer } from "./events.ts";

/** Kept through sleep. Undefined until the socket has a name. */
type Data = { user?: { readonly name: string; readonly room: string } };

const ringcast = createRingcast({
  socketio: (io: ServerHandlers<ToServer, ToClient, {}, Data>) => {
    io.on("add user", async (socket, name, room) => {
      if (socket.data.user !== undefined || !isName(name) || !isName(room)) return;
      socket.data.user = { name, room };
      await socket.join(room);
      await welcome(socket);
    });
    io.on("connection", async (socket) => {
      // The others have heard that it left. It is in its room, and has got what it missed.
      if (socket.recovered) await welcome(socket);
    });
    io.on("new message", async (socket, id, message, taken) => {
      const { user } = socket.data;
      if (user === undefined || !isName(id) || typeof message !== "string") return;
      // The room has it before the page hears so. A page that does not hear says it again.
      await socket.to(user.room).emit("new message", { id, username: user.name, message });
      if (typeof taken === "function") taken();
    });
    for (const event of ["typing", "stop typing"] as const)
      io.on(event, (socket) => {
        const { user } = socket.data;
        // An event that may be lost is volatile: a slow reader does not need it.
        if (user !== undefined) socket.to(user.room).volatile.emit(event, { username: user.name });
      });
    io.on("disconnect", async (socket) => {
      const { user } = socket.data;
      if (user === undefined) return;
      const numUsers = (await socket.nsp.in(user.room).fetchSockets()).length;
      socket.to(user.room).emit("user left", { username: user.name, numUsers });
    });
  },
});

/** Tells a user and the others in the room that the user is there. */
async function welcome(socket: Socket<ToServer, ToClient, {}, Data>): Promise<void> {
  const { user } = socket.data;
  if (user === undefined) return;
  // A variable would count the users of one shard, and forget them in its sleep. All shards are asked.
  const numUsers = (await socket.nsp.in(user.room).fetchSockets()).length;
  socket.emit("login", { numUsers });
  socket.to(user.room).emit("user joined", { username: user.name, numUsers });
}

/** Clients send anything. */
const isName = (name: unknown): name is string =>
  typeof name === "string" && name.isWellFormed() && name.length > 0 && name.length <= 40;

export default ringcast.handler;
export class Shard extends ringcast.Shard {}
export class SocketIoShard extends ringcast.SocketIoShard {}
export class Channel extends ringcast.Channel {}
export class Coordinator extends ringcast.Coordinator {}
