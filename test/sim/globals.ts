import { ClientSocket, ServerSocket } from "./sockets.ts";
import type { World } from "./world.ts";

class SimResponse {
  readonly status: number;
  readonly webSocket: ClientSocket | null;
  readonly headers: Headers;
  readonly #body: string;

  constructor(
    body: string | null,
    options: { status?: number; webSocket?: ClientSocket; headers?: HeadersInit } = {},
  ) {
    this.#body = body ?? "";
    this.status = options.status ?? 200;
    this.webSocket = options.webSocket ?? null;
    this.headers = new Headers(options.headers);
  }

  static json(value: unknown, options: { status?: number; headers?: HeadersInit } = {}): SimResponse {
    return new SimResponse(JSON.stringify(value), options);
  }

  json(): Promise<unknown> {
    return Promise.resolve(JSON.parse(this.#body));
  }
}

/** Replaces time, chance and the platform's classes by those of the world. Returns a function that restores them. */
export function install(world: World): () => void {
  const timers = new Map<number, { cancel(): void }>();
  let lastTimer = 0;
  const hex = (digits: number): string => {
    let text = "";
    for (let n = 0; n < digits; n++) text += "0123456789abcdef"[world.random.int(0, 15)] ?? "";
    return text;
  };
  const setTimer = (run: () => void, ms = 0): number => {
    lastTimer += 1;
    const id = lastTimer;
    timers.set(
      id,
      world.setTimer(() => {
        timers.delete(id);
        run();
      }, ms),
    );
    return id;
  };
  const replaced: [object, string, unknown][] = [
    [globalThis, "setTimeout", setTimer],
    [
      globalThis,
      "clearTimeout",
      (id: number | null | undefined) => {
        timers.get(id ?? 0)?.cancel();
        timers.delete(id ?? 0);
      },
    ],
    [globalThis, "scheduler", { wait: (ms: number) => new Promise<void>((done) => setTimer(done, ms)) }],
    [globalThis, "Response", SimResponse],
    [
      globalThis,
      "WebSocketPair",
      class {
        readonly 0: ClientSocket;
        readonly 1: ServerSocket;
        constructor() {
          this[0] = new ClientSocket();
          this[1] = new ServerSocket(world, this[0]);
          this[0].peer = this[1];
        }
      },
    ],
    [
      globalThis,
      "WebSocketRequestResponsePair",
      class {
        readonly request: string;
        constructor(request: string) {
          this.request = request;
        }
      },
    ],
    [Date, "now", () => world.clock.now],
    [performance, "now", () => world.clock.now],
    [Math, "random", () => world.random.next()],
    [
      crypto,
      "getRandomValues",
      (bytes: Uint8Array) => bytes.map((_, n) => (bytes[n] = world.random.int(0, 255))),
    ],
    [crypto, "randomUUID", () => [8, 4, 4, 4, 12].map(hex).join("-")],
    [console, "error", (...what: unknown[]) => world.note(`error ${what.map(readable).join(" ")}`)],
    [console, "warn", () => undefined],
  ];
  const before = replaced.map(([target, name]) => Object.getOwnPropertyDescriptor(target, name));
  for (const [target, name, value] of replaced) {
    Object.defineProperty(target, name, { value, configurable: true, writable: true });
  }
  return () => {
    for (const [n, [target, name]] of replaced.entries()) {
      const descriptor = before[n];
      if (descriptor === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, descriptor);
    }
  };
}

/** A log line is a text, or a sentence with its fields. Of an error's stack the first line is enough. */
const readable = (part: unknown): string =>
  typeof part === "string"
    ? part
    : JSON.stringify(part, (_, value: unknown) =>
        typeof value === "string" ? (value.split("\n")[0] ?? "") : value,
      );
