/** `ws` on Node: a loop over its clients. */
import { createServer } from "node:http";
import { WebSocketServer, type WebSocket } from "ws";
import { Spans } from "../lib/spans.ts";

const spans = new Spans();
const byKey = new Map<string, WebSocket>();
const http = createServer((_, response) => response.end(JSON.stringify(spans.take())));
const server = new WebSocketServer({ server: http, perMessageDeflate: false });
server.on("connection", (socket, request) => {
  byKey.set(new URL(request.url ?? "/", "http://a").searchParams.get("key") ?? "", socket);
  socket.on("message", (bytes: Buffer) => {
    const message = bytes.toString();
    if (message === "hello") return socket.send("welcome");
    const [, , key, data] = /^(all|keep|to (\S+)) (.*)$/s.exec(message) ?? [];
    if (data === undefined) return;
    if (key !== undefined) return byKey.get(key)?.send(data);
    spans.time(() => {
      for (const one of server.clients) one.send(data);
    });
  });
});
http.listen(Number(process.argv[2]), "127.0.0.1", 4_096);
