import { createRingcast, type ServerHandlers, type Socket } from "ringcast";
import type { ToClient, ToServer } from "./events.ts";

type User = { readonly name: string; readonly room: string };
/** Kept through sleep, and where a socket is recovered. */
type Data = { user?: User };

const ringcast = createRingcast({
  socketio: (io: ServerHandlers<ToServer, ToClient, {}, Data>) => {
    // A page says so on each connection, until it has the answer: a recovered socket is in its room already.
    io.on("add user", async (socket, name, room, entered) => {
      if (!isName(name) || !isName(room) || typeof entered !== "function") return;
      const user = (socket.data.user ??= { name, room });
      await socket.join(user.room);
      entered();
      await welcome(socket, user);
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
async function welcome(socket: Socket<ToServer, ToClient, {}, Data>, user: User): Promise<void> {
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
