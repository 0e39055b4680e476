import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import WebSocket from "ws";
import { readFlags, startBareCluster, type BareCluster } from "../support/bare-workerd.ts";

let cluster: BareCluster | undefined;
afterEach(() => cluster?.stop());

// wrangler and Miniflare put servers in front of the Worker, and those accept compression by themselves.
test("[AU9] no client gets compression, with which a small frame could become a large one", async () => {
  expect(readFlags("examples/chat/wrangler.toml")).toEqual(readFlags("wrangler.toml"));
  cluster = await startBareCluster({ RINGCAST: { anonymous: true } });
  const address = `ws://${cluster.host}/connection/websocket?key=ann`;
  const socket = new WebSocket(address, { perMessageDeflate: true });
  await once(socket, "open");
  expect(socket.extensions).toBe("");
  socket.terminate();
});
