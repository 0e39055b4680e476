/** PartyServer as in its documentation: with hibernation, and `broadcast()` to all clients. */
import { routePartykitRequest, Server, type Connection } from "partyserver";
import { Spans } from "../lib/spans.ts";

type Env = { readonly Main: DurableObjectNamespace<Main> } & Cloudflare.Env;

export class Main extends Server<Cloudflare.Env> {
  static override options = { hibernate: true };
  readonly #spans = new Spans();

  override onMessage(connection: Connection, message: string): void {
    if (message === "hello") {
      connection.setState({ since: Date.now() });
      return connection.send("welcome");
    }
    const [, , key, data] = /^(all|keep|to (\S+)) (.*)$/s.exec(message) ?? [];
    if (data === undefined) return;
    if (key !== undefined) return this.getConnection(key)?.send(data);
    this.#spans.time(() => this.broadcast(data));
  }

  spans(): number[] {
    return this.#spans.take();
  }
}

export default {
  async fetch(request, env): Promise<Response> {
    if (request.headers.get("upgrade") === null)
      return Response.json(await env.Main.getByName("room").spans());
    return (await routePartykitRequest(request, { ...env })) ?? new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<Env>;
