import { fork, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

type Json = string | number | boolean | null | Json[] | { [field: string]: Json };
export type Bindings = Record<string, Json>;

export type ServerOptions = {
  readonly script: string;
  readonly storage: string;
  readonly port: number;
  readonly bindings: Bindings;
};

export type Order = {
  readonly id: number;
  readonly className: "Shard" | "SocketIoShard" | "Channel" | "Coordinator";
  readonly name: string;
  readonly webSockets: "close" | "hibernate";
};

/**
 * Miniflare waits for an eviction with its only thread, and reads no log meanwhile. Where the Worker logs more than the
 * pipe holds, workerd waits for Miniflare, and each for the other for ever.
 */
const SILENT = `for (const level of ["debug", "log", "info", "warn", "error"]) console[level] = () => {};\n`;

/** The deployed Worker in its own process, which can be killed and started again with the same storage. */
export class Server {
  readonly #options: ServerOptions;
  readonly #directory: string;
  #process: ChildProcess | undefined;
  #orders = 0;
  /** Of orders on their way. A server that is killed answers none. */
  readonly #answers = new Map<number, (error: string | undefined) => void>();

  private constructor(options: ServerOptions, directory: string) {
    this.#options = options;
    this.#directory = directory;
  }

  static async start(bindings: Bindings): Promise<Server> {
    const directory = mkdtempSync(join(tmpdir(), "ringcast-chaos-"));
    const built = spawnSync("wrangler", ["deploy", "src/local.ts", "--dry-run", "--outdir", directory], {
      encoding: "utf8",
    });
    if (built.status !== 0) throw new Error(built.stderr);
    const script = join(directory, "local.js");
    writeFileSync(script, SILENT + readFileSync(script, "utf8"));
    const options = {
      script,
      storage: join(directory, "storage"),
      port: await freePort(),
      bindings,
    };
    const server = new Server(options, directory);
    await server.#launch();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#options.port}`;
  }

  /** The folder of the objects' storage. */
  get storage(): string {
    return this.#options.storage;
  }

  /** Sends SIGKILL to the process and its workerd, and starts a new process with the same storage. */
  async killAndRestart(): Promise<void> {
    this.#kill();
    await this.#launch();
  }

  /** Stops every process of the server for a while. */
  async freeze(forMs: number): Promise<void> {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error("the server is down");
    process.kill(-pid, "SIGSTOP");
    await sleep(forMs);
    process.kill(-pid, "SIGCONT");
  }

  /** Rejects if the object is not running. */
  async evict(order: Omit<Order, "id">): Promise<void> {
    const child = this.#process;
    if (child === undefined) throw new Error("the server is down");
    const id = (this.#orders += 1);
    child.send({ id, ...order });
    const error = await new Promise<string | undefined>((resolve) => this.#answers.set(id, resolve));
    if (error !== undefined) throw new Error(error);
  }

  stop(): void {
    this.#kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #launch(): Promise<void> {
    const child = fork(join(import.meta.dirname, "server-process.ts"), [JSON.stringify(this.#options)], {
      // The child has its own process group, so that its workerd dies with it.
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#process = child;
    const exited = once(child, "exit").then(([code]) => {
      throw new Error(`the server ended with ${String(code)}`);
    });
    exited.catch(() => undefined);
    await Promise.race([once(child, "message"), exited]);
    child.on("message", ({ done, error }: { readonly done: number; readonly error?: string }) => {
      this.#answers.get(done)?.(error);
      this.#answers.delete(done);
    });
  }

  #kill(): void {
    const pid = this.#process?.pid;
    this.#process = undefined;
    this.#answers.clear();
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
