import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

export type ReceivedEvent = { readonly id: string; readonly type: string; readonly [field: string]: any };
export type Delivery = {
  readonly batch: string;
  readonly body: string;
  readonly events: readonly ReceivedEvent[];
  readonly answered: Behaviour;
};

/** The answer to a request. `hang`: the receiver does not answer. `cut`: the receiver breaks the connection. */
export type Behaviour = "ok" | "fail" | "hang" | "cut";

/** A back end that receives a webhook, with any behaviour. It can stop and start again on the same port. */
export class Receiver {
  readonly deliveries: Delivery[] = [];
  /** The errors of requests whose signature is wrong. */
  readonly forged: string[] = [];
  behaviour: Behaviour = "ok";
  readonly #secret: string;
  #port = 0;
  #server: Server | undefined;

  constructor(secret: string) {
    this.#secret = secret;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    if (server !== undefined) await new Promise((done) => server.close(done));
  }

  /** Each event once, in the order of arrival. */
  events(): ReceivedEvent[] {
    const seen = new Map<string, ReceivedEvent>();
    for (const { events } of this.deliveries)
      for (const event of events) if (!seen.has(event.id)) seen.set(event.id, event);
    return [...seen.values()];
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const header = (name: string) => String(request.headers[name]);
    const headers = {
      "webhook-id": header("webhook-id"),
      "webhook-timestamp": header("webhook-timestamp"),
      "webhook-signature": header("webhook-signature"),
    };
    try {
      new Webhook(this.#secret).verify(body, headers);
    } catch (error) {
      this.forged.push(String(error));
    }
    const { events } = JSON.parse(body) as { events: ReceivedEvent[] };
    const { behaviour } = this;
    this.deliveries.push({ batch: headers["webhook-id"], body, events, answered: behaviour });
    if (behaviour === "ok") response.writeHead(204).end();
    if (behaviour === "fail") response.writeHead(503).end();
    if (behaviour === "cut") request.socket.destroy();
  }
}
