import { join } from "node:path";
import { Centrifuge } from "centrifuge";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import WebSocket from "ws";
import { createTestHarness } from "wrangler";
import { API_KEY, BUSY_CLIENT, BUSY_TIMES, READ_KEY, type Json } from "../cluster.ts";

export type SocketCluster = {
  readonly url: URL;
  /** A stock client that connects at once. */
  client(nsp?: string, options?: Partial<ManagerOptions & SocketOptions>): Socket;
  /** What other code of a Worker does; see worker.ts. */
  server(what: Record<string, unknown>): Promise<any>;
  admin(method: string, path: string, body?: unknown): Promise<any>;
  /** A method of the server API; its whole answer. */
  api(method: string, params: unknown): Promise<any>;
  /** A stock Centrifuge client, not connected yet. */
  centrifuge(key: string): Centrifuge;
  stop(): Promise<void>;
};

/** The application on a cluster of its own. */
export async function startSocketCluster(
  cluster: { [key: string]: Json } = {},
  namespaces: Record<string, { [key: string]: Json }> = {},
): Promise<SocketCluster> {
  const configPath = join(import.meta.dirname, "wrangler.toml");
  const { times, socketio, ...others } = cluster;
  const vars = {
    RINGCAST_OVERRIDES: {
      development: true,
      insecure: true,
      anonymous: true,
      scale: { mode: "off" },
      ...others,
      times: { ...BUSY_TIMES, ...(times as object | undefined) },
      socketio: { pingTimeoutMs: 120_000, ...(socketio as object | undefined) },
    },
    ...Object.fromEntries(
      Object.entries(namespaces).map(([name, options]) => [`RINGCAST_NS_${name}`, options]),
    ),
  };
  const server = createTestHarness({
    root: import.meta.dirname,
    workers: [{ configPath, vars, secrets: { API_KEY, READ_KEY } }],
  });
  const { url } = await server.listen();
  const clients: Socket[] = [];
  const centrifuges: Centrifuge[] = [];
  const call = async (path: string, method: string, body?: unknown): Promise<any> => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: { "x-api-key": API_KEY, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    url,
    client(nsp = "/", options = {}) {
      const client = io(new URL(nsp, url).href, { transports: ["websocket"], forceNew: true, ...options });
      clients.push(client);
      return client;
    },
    server: (what) => call("/server", "POST", what),
    api: (method, params) => call(`/api/${method}`, "POST", params),
    centrifuge(key) {
      const address = new URL(`/connection/websocket?key=${key}`, url);
      address.protocol = "ws:";
      const client = new Centrifuge(address.href, { ...BUSY_CLIENT, websocket: WebSocket });
      centrifuges.push(client);
      return client;
    },
    admin: (method, path, body) => call(`/admin/api${path}`, method, body),
    async stop() {
      for (const client of centrifuges) client.disconnect();
      for (const client of clients) client.io.engine?.close();
      for (const client of clients) client.disconnect();
      await server.close();
    },
  };
}

/** The next time that a client hears an event; its arguments. */
export const heard = (client: Socket, event: string): Promise<unknown[]> =>
  new Promise((resolve) => client.once(event, (...args: unknown[]) => resolve(args)));
