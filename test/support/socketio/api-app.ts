import type { ServerHandlers } from "../../../src/ringcast.ts";

/** Namespaces for what a stock server has in another form, or not at all. */
export function describeApi(io: ServerHandlers): void {
  const api = io.of("/api");
  api.on("connection", (socket) => {
    socket.emit("hello", {});
  });
  api.on("echo", (_, value, ack) => ack(value));
  api.on("kept", (socket, ack) => ack(socket.data["kept"] ?? null));
  api.on("keep by a thenable", (socket, value) => ({
    // oxlint-disable-next-line unicorn/no-thenable -- a promise of another library
    then(resolve: () => void) {
      queueMicrotask(() => {
        socket.data["kept"] = value;
        socket.emit("kept");
        resolve();
      });
    },
  }));
  api.on("ask what cannot be sent", async (socket, times, ack) => {
    for (let n = 0; n < times; n++)
      await socket
        .timeout(60_000)
        .emitWithAck("question", 1n)
        .catch(() => undefined);
    ack(await socket.timeout(60_000).emitWithAck("question", "why"));
  });
  api.on("join", async (socket, room, ack) => {
    await socket.join(room);
    ack();
  });
  api.on("say here", async (socket, room, ack) => {
    await socket.nsp.to(room).local.emit("said", "to all of the shard");
    await socket.local.to(room).emit("said", "to others of the shard");
    ack();
  });
  api.on("say volatile", async (socket, chars, ack) => {
    const room = socket.nsp.in(socket.id).local.volatile;
    socket.volatile.emit("said", "volatile, to one");
    await room.emit("said", "volatile, to a room");
    socket.compress(true).emit("filler", "x".repeat(chars));
    socket.volatile.emit("said", "too much for it");
    await room.emit("said", "too much for a room");
    socket.emit("said", "not volatile");
    socket
      .timeout(60_000)
      .emit("question", "kept", (error: unknown, answer: unknown) => ack(error === null ? answer : "none"));
  });
  api.on("facts", (socket, ack) => {
    const { conn, handshake, nsp, connected, disconnected } = socket;
    const { name } = nsp;
    ack({
      name,
      connected,
      disconnected,
      protocol: conn.protocol,
      transport: conn.transport.name,
      sid: conn.id,
      time: Date.parse(handshake.time) - handshake.issued,
    });
  });
  api.on("find", async (socket, room, ack) => {
    const sockets = await socket.nsp.in(room).fetchSockets();
    ack(sockets.map(({ id, rooms, handshake }) => [id, [...rooms], handshake.query]));
  });
  api.on("command", async (socket, room, ack) => {
    await socket.nsp.in(room).socketsJoin(["x", "y"]);
    await socket.nsp.in("x").socketsLeave("y");
    await socket.nsp.to("x").emit("said", "x");
    await socket.nsp.to("y").emit("said", "y");
    const [first] = await socket.nsp.in(room).fetchSockets();
    await first?.emit("said", "to the first");
    await socket.nsp.in("x").except(socket.id).disconnectSockets();
    ack();
  });
}
