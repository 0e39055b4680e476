import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type ServerOptions } from "socket.io";
import { describeApp, type AppSocket } from "./app.ts";

/** The application on a stock server. */
export async function startStock(
  options: Partial<ServerOptions> = {},
): Promise<{ readonly url: URL; stop(): Promise<void> }> {
  const http = createServer();
  const io = new Server(http, options);
  describeApp((nsp) => {
    const handlers: [string, (socket: AppSocket, ...args: any[]) => unknown][] = [];
    const namespace = io.of(nsp);
    namespace.on("connection", (stock) => {
      const socket = stock as unknown as AppSocket;
      for (const [event, handler] of handlers) {
        if (event === "connection") handler(socket);
        else stock.on(event, (...args: unknown[]) => handler(socket, ...args));
      }
    });
    return {
      use: (middleware) => namespace.use((socket, next) => middleware(socket, next)),
      on: (event, handler) => handlers.push([event, handler]),
    };
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${port}`), stop: () => io.close() };
}
