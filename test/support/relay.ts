import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import WebSocket, { WebSocketServer } from "ws";

/** What happens to a frame on its way from the cluster to a client: the frames that arrive in its place. */
export type Tamper = (frame: string) => readonly string[];

/**
 * A network between clients and a cluster that may lose and repeat frames, which no real network does. `losesAnswer`: the
 * cluster gets the request, and the client no answer.
 */
export async function startRelay(
  cluster: URL,
  tamper: Tamper,
  losesAnswer: (request: IncomingMessage) => boolean = () => false,
): Promise<{ url: URL; stop(): void }> {
  const relay = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = await pass(cluster, request);
    if (losesAnswer(request)) request.socket.destroy();
    else answer(response);
  };
  const server = createServer((request, response) => void relay(request, response));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (client, request) => {
    const address = new URL(request.url ?? "/", cluster);
    address.protocol = "ws:";
    const upstream = new WebSocket(address.href);
    const opened = once(upstream, "open");
    client.on("message", (data: Buffer) => {
      void opened.then(() => upstream.send(data.toString()));
    });
    upstream.on("message", (data: Buffer) => {
      for (const frame of tamper(data.toString())) client.send(frame);
    });
    client.on("close", () => upstream.terminate());
    upstream.on("close", () => client.terminate());
    for (const socket of [client, upstream]) socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    stop() {
      for (const client of sockets.clients) client.terminate();
      server.close();
    },
  };
}

/** Takes a request to the cluster, and resolves with what gives its answer to the client. */
async function pass(cluster: URL, request: IncomingMessage): Promise<(response: ServerResponse) => void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(
    ["x-api-key", "content-type"].flatMap((name) => {
      const { [name]: value } = request.headers;
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
  const answer = await fetch(new URL(request.url ?? "/", cluster), {
    method: request.method ?? "GET",
    headers,
    ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
  });
  const type = answer.headers.get("content-type") ?? "text/plain";
  const text = await answer.text();
  return (response) => response.writeHead(answer.status, { "content-type": type }).end(text);
}
