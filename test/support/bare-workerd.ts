import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle, startWorkerd, type Runtime, type WorkerSpec } from "../../bench/lib/workerd.ts";
import { eventually } from "./cluster.ts";

/** A cluster without wrangler and Miniflare between the sockets and the Worker. */
export type BareCluster = {
  /** "127.0.0.1:port". */
  readonly host: string;
  readonly stop: () => Promise<void>;
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The flags of a deployment. `file`: a wrangler.toml. */
export function readFlags(file: string): string[] {
  const text = readFileSync(join(import.meta.dirname, "../..", file), "utf8");
  return JSON.parse(/^compatibility_flags = (\[.*\])$/m.exec(text)?.[1] ?? "[]") as string[];
}

/** Starts the shipped Ringcast, or another Worker, with its flags on a workerd. `bindings`: see `WorkerSpec`. */
export async function startBareCluster(
  bindings: NonNullable<WorkerSpec["bindings"]>,
  {
    runtime = "workerd",
    ...worker
  }: Partial<Pick<WorkerSpec, "source" | "entry" | "classes">> & { readonly runtime?: Runtime } = {},
): Promise<BareCluster> {
  const directory = mkdtempSync(join(tmpdir(), "ringcast-bare-"));
  const spec: WorkerSpec = {
    source: "ringcast",
    classes: { SHARD: "Shard", CHANNEL: "Channel", COORDINATOR: "Coordinator" },
    ...worker,
    bindings,
    compatibilityFlags: readFlags("wrangler.toml"),
  };
  const [port, inspectorPort] = [await freePort(), await freePort()];
  const file = await bundle(spec, directory);
  const server = startWorkerd(spec, { directory, file, port, inspectorPort }, runtime);
  const stop = async (): Promise<void> => {
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
    rmSync(directory, { recursive: true });
  };
  const host = `127.0.0.1:${port}`;
  await eventually(() =>
    fetch(`http://${host}/`)
      .then(({ ok }) => ok)
      .catch(() => false),
  );
  return { host, stop };
}
