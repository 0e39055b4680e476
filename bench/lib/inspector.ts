import { once } from "node:events";
import WebSocket from "ws";

/** V8's inspector of a workerd: the isolate that holds the Worker and all its objects. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: { result: unknown; error?: { message: string } }) => void>();
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString());
      this.#waiting.get(message.id)?.(message);
    });
  }

  static async open(port: number): Promise<Inspector> {
    const response = await fetch(`http://127.0.0.1:${port}/json`);
    const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
    if (target === undefined) throw new Error("workerd shows no isolate");
    const socket = new WebSocket(target.webSocketDebuggerUrl, { maxPayload: 2 ** 30 });
    await once(socket, "open");
    return new Inspector(socket);
  }

  ask<T>(method: string, params: object = {}): Promise<T> {
    const id = (this.#id += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        this.#waiting.delete(id);
        if (error !== undefined) reject(new Error(error.message));
        else resolve(result as T);
      });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  /** Bytes of the heap that are in use, after a collection of garbage. */
  async heapBytes(): Promise<number> {
    // An idle workerd never answers `HeapProfiler.collectGarbage`. It answers a snapshot, which collects first.
    await this.ask("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
    return (await this.ask<{ usedSize: number }>("Runtime.getHeapUsage")).usedSize;
  }

  close(): void {
    this.#socket.close();
  }
}
