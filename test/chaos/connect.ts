import { Centrifuge } from "centrifuge";
import WebSocket from "ws";
import type { Server } from "./server.ts";

/** A stock client that connects at once. `sockets` has its present socket. */
export function connect(server: Server, key: string, sockets: WebSocket[] = []): Centrifuge {
  class Tracked extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      sockets.splice(0, sockets.length, this);
    }
  }
  const endpoint = `${server.url.replace("http", "ws")}/connection/websocket?key=${key}`;
  const client = new Centrifuge(endpoint, { websocket: Tracked, maxReconnectDelay: 2_000 });
  client.on("error", () => undefined);
  client.connect();
  return client;
}
