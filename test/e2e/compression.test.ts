import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import WebSocket from "ws";
import { bundle, startWorkerd, type WorkerSpec } from "../../bench/lib/workerd.ts";
import { eventually } from "../support/cluster.ts";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The flags of a deployment. */
function readFlags(file: string): string[] {
  const text = readFileSync(join(import.meta.dirname, "../..", file), "utf8");
  return JSON.parse(/^compatibility_flags = (\[.*\])$/m.exec(text)?.[1] ?? "[]") as string[];
}

// wrangler and Miniflare put servers in front of the Worker, and those accept compression by themselves.
test("[AU9] no client gets compression, with which a small frame could become a large one", async () => {
  expect(readFlags("examples/chat/wrangler.toml")).toEqual(readFlags("wrangler.toml"));
  const directory = mkdtempSync(join(tmpdir(), "ringcast-compression-"));
  const spec: WorkerSpec = {
    source: "ringcast",
    classes: { SHARD: "Shard", CHANNEL: "Channel", COORDINATOR: "Coordinator" },
    bindings: { RINGCAST: { anonymous: true } },
    compatibilityFlags: readFlags("wrangler.toml"),
  };
  const [port, inspectorPort] = [await freePort(), await freePort()];
  const file = await bundle(spec, directory);
  const server = startWorkerd(spec, { directory, file, port, inspectorPort });
  try {
    const address = `127.0.0.1:${port}`;
    await eventually(() =>
      fetch(`http://${address}/`)
        .then(({ ok }) => ok)
        .catch(() => false),
    );
    const socket = new WebSocket(`ws://${address}/connection/websocket?key=ann`, { perMessageDeflate: true });
    await once(socket, "open");
    expect(socket.extensions).toBe("");
    socket.terminate();
  } finally {
    server.kill("SIGKILL");
    await once(server, "exit");
    rmSync(directory, { recursive: true });
  }
});
