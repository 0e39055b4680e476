import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "vite";

/** The runtime that the deployment pins, and a newer one (docs/platform.md P6). */
export type Runtime = "workerd" | "workerd-next";

/** The path of the program. `import` gives another value in a test than in Node. */
const pathOf = (runtime: Runtime): string =>
  (createRequire(import.meta.url)(runtime) as { default: string }).default;

export type WorkerSpec = {
  /** The name of a file in `workers`, or of `entry`. */
  readonly source: string;
  readonly entry?: string;
  /** Classes by the names of their bindings. */
  readonly classes: Readonly<Record<string, string>>;
  readonly bindings?: Readonly<Record<string, string | object>>;
  readonly compatibilityFlags?: readonly string[];
};

/** Bundles a Worker into one JavaScript file, like a deployment. */
export async function bundle(spec: WorkerSpec, directory: string): Promise<string> {
  const file = `${spec.source}.js`;
  await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["workerd", "worker", "import"] },
    build: {
      outDir: directory,
      emptyOutDir: false,
      target: "es2024",
      minify: false,
      lib: {
        entry: spec.entry ?? join(import.meta.dirname, "../workers", `${spec.source}.ts`),
        formats: ["es"],
        fileName: () => file,
      },
      rolldownOptions: { external: [/^(cloudflare|node):/] },
    },
  });
  return file;
}

/** Starts workerd alone, without Miniflare and wrangler between the socket and the Worker. */
export function startWorkerd(
  spec: WorkerSpec,
  at: {
    readonly directory: string;
    readonly file: string;
    readonly port: number;
    readonly inspectorPort: number;
  },
  runtime: Runtime = "workerd",
): ChildProcess {
  const storage = join(at.directory, `storage-${at.port}-${Date.now()}`);
  mkdirSync(storage);
  const text = JSON.stringify;
  const bindings = [
    ...Object.entries(spec.classes).map(
      ([name, className]) => `(name = ${text(name)}, durableObjectNamespace = ${text(className)})`,
    ),
    ...Object.entries(spec.bindings ?? {}).map(([name, value]) =>
      typeof value === "string"
        ? `(name = ${text(name)}, text = ${text(value)})`
        : `(name = ${text(name)}, json = ${text(text(value))})`,
    ),
  ];
  const namespaces = Object.values(spec.classes).map(
    (className) => `(className = ${text(className)}, uniqueKey = ${text(className)}, enableSql = true)`,
  );
  const config = join(at.directory, `${spec.source}-${at.port}.capnp`);
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "storage", disk = (path = ${text(storage)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${at.port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed ${text(at.file)})],
  compatibilityDate = "2026-10-20",
  compatibilityFlags = [${(spec.compatibilityFlags ?? []).map((flag) => text(flag)).join(", ")}],
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "storage"),
);
`,
  );
  return spawn(pathOf(runtime), ["serve", config, `--inspector-addr=127.0.0.1:${at.inspectorPort}`], {
    stdio: ["ignore", "ignore", process.env["BENCH_LOGS"] === undefined ? "ignore" : "inherit"],
  });
}
