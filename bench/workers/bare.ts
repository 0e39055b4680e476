/** One hibernating object behind a Worker of a few lines: the least that this runtime can do, and so the limit. */
import { DurableObject } from "cloudflare:workers";
import { Spans } from "../lib/spans.ts";

type Env = {
  readonly ROOM: DurableObjectNamespace<Room>;
  readonly RELAY: DurableObjectNamespace<Relay>;
};

export class Room extends DurableObject<Env> {
  readonly #spans = new Spans();
  #awake = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS kept (n INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  }

  override async fetch(request: Request): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [new URL(request.url).searchParams.get("key") ?? ""]);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, message: string): void | Promise<void> {
    if (message === "hello") {
      socket.serializeAttachment({ since: Date.now() });
      return socket.send("welcome");
    }
    const [, kind = "", key, data] = /^(all|keep|(?:to|via) (\S+)) (.*)$/s.exec(message) ?? [];
    if (data === undefined) return;
    if (kind.startsWith("via")) return this.env.RELAY.getByName("relay").relay(key ?? "", data);
    if (key !== undefined) return this.tell(key, data);
    this.#spans.time(() => {
      if (kind === "keep") this.insert(data);
      for (const one of this.ctx.getWebSockets()) one.send(data);
    });
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    if (code !== 1006) socket.close(code === 1005 ? 1000 : code);
  }

  tell(key: string, data: string): void {
    this.ctx.getWebSockets(key)[0]?.send(data);
  }

  /** Takes back the sockets that slept with the object, and what they remember. See the shard's `woke`. */
  woke(): { readonly ms: number; readonly sessions: number; readonly first: boolean } {
    const first = !this.#awake;
    this.#awake = true;
    const startedAt = performance.now();
    const sockets = new Map(
      this.ctx.getWebSockets().map((one) => [one, one.deserializeAttachment() as unknown]),
    );
    return { ms: performance.now() - startedAt, sessions: sockets.size, first };
  }

  insert(body: string): void {
    this.ctx.storage.sql.exec("INSERT INTO kept (body) VALUES (?)", body);
  }

  spans(): number[] {
    return this.#spans.take();
  }
}

/** A second object on the way of a message, as Ringcast's channel is. */
export class Relay extends DurableObject<Env> {
  async relay(key: string, data: string): Promise<void> {
    await this.env.ROOM.getByName("room").tell(key, data);
  }
}

export default {
  async fetch(request, env): Promise<Response> {
    const room = env.ROOM.getByName("room");
    if (request.headers.get("upgrade") !== null) return room.fetch(request);
    if (new URL(request.url).pathname === "/woke") return Response.json(await room.woke());
    if (request.method === "GET") return Response.json(await room.spans());
    await room.insert(await request.text());
    return Response.json({});
  },
} satisfies ExportedHandler<Env>;
