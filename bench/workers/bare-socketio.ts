/** One hibernating object that sends the frames of Socket.IO, and does nothing else of it: the most for this protocol. */
import { DurableObject } from "cloudflare:workers";
import { Spans } from "../lib/spans.ts";

type Env = { readonly ROOM: DurableObjectNamespace<Room> };

export class Room extends DurableObject<Env> {
  readonly #spans = new Spans();

  override async fetch(): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    server.send('0{"sid":"a","upgrades":[],"pingInterval":300000,"pingTimeout":20000,"maxPayload":1000000}');
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, message: string): void {
    if (message === "40") {
      socket.serializeAttachment({ since: Date.now() });
      return socket.send('40{"sid":"b"}');
    }
    if (message.startsWith("420")) return socket.send("430[]");
    const [, data] = /^42\["room","[^"]*",(".*)\]$/s.exec(message) ?? [];
    if (data === undefined) return;
    this.#spans.time(() => {
      const frame = `42["room",${data}]`;
      for (const one of this.ctx.getWebSockets()) one.send(frame);
    });
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    if (code !== 1006) socket.close(code === 1005 ? 1000 : code);
  }

  spans(): number[] {
    return this.#spans.take();
  }
}

export default {
  async fetch(request, env): Promise<Response> {
    const room = env.ROOM.getByName("room");
    if (request.headers.get("upgrade") !== null) return room.fetch(request);
    return Response.json(await room.spans());
  },
} satisfies ExportedHandler<Env>;
