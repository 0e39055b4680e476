/** Socket.IO on Node, with WebSocket alone and without polling. */
import { createServer } from "node:http";
import { Server } from "socket.io";
import { Spans } from "../lib/spans.ts";

const spans = new Spans();
const http = createServer((_, response) => response.end(JSON.stringify(spans.take())));
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false });
io.on("connection", (socket) => {
  void socket.join(String(socket.handshake.query["key"]));
  socket.on("all", (data: string) => spans.time(() => void io.emit("all", data)));
  socket.on("join", async (...args: [...rooms: string[], joined: () => void]) => {
    const joined = args.pop() as () => void;
    await socket.join(args as string[]);
    joined();
  });
  socket.on("room", (room: string, data: string) => spans.time(() => void io.to(room).emit("room", data)));
  socket.on("to", (key: string, data: string) => void io.to(key).emit("to", data));
});
http.listen(Number(process.argv[2]), "127.0.0.1", 4_096);
