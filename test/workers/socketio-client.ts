import { createExecutionContext } from "cloudflare:test";
import worker from "../support/socketio/worker.ts";
import { ownEnv, until } from "./client.ts";

export const fetchWorker = (request: Request): Promise<Response> =>
  worker.fetch(request, ownEnv(), createExecutionContext());

/** A client that speaks Socket.IO by hand. */
export class Client {
  readonly frames: (string | number[])[] = [];
  readonly closed: Promise<number>;
  isClosed = false;
  readonly #socket: WebSocket;
  #taken = 0;
  /** As it stands in packets. */
  #nsp = "";

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      this.frames.push(typeof data === "string" ? data : [...new Uint8Array(data as ArrayBuffer)]);
    });
    this.closed = new Promise((resolve) =>
      socket.addEventListener("close", ({ code }) => {
        this.isClosed = true;
        resolve(code);
      }),
    );
    socket.accept();
  }

  static async open(query = "", headers: Record<string, string> = {}): Promise<Client> {
    const url = `https://ringcast.test/socket.io/?EIO=4&transport=websocket${query}`;
    const { webSocket } = await fetchWorker(
      new Request(url, { headers: { upgrade: "websocket", ...headers } }),
    );
    if (webSocket === null) throw new Error("no upgrade");
    return new Client(webSocket);
  }

  /** Joins a namespace whose handlers say hello. */
  static async connect(query = "", nsp = ""): Promise<Client> {
    const client = await Client.open(query);
    client.say(`40${nsp}`);
    await client.next(`42${nsp}["hello"`);
    client.#nsp = nsp;
    return client;
  }

  say(frame: string): void {
    this.#socket.send(frame);
  }

  close(): void {
    this.#socket.close();
  }

  /** From now on it answers pings, as a stock client does, and lives as long as its test. */
  answerPings(): this {
    this.#socket.addEventListener("message", ({ data }) => {
      if (data === "2" && !this.isClosed) this.say("3");
    });
    return this;
  }

  /** The next frame that begins so. */
  async next(start: string): Promise<string> {
    let found: string | undefined;
    await until(() => {
      for (; found === undefined && this.#taken < this.frames.length; this.#taken++) {
        const frame = this.frames[this.#taken];
        if (typeof frame === "string" && frame.startsWith(start)) found = frame;
      }
      return found !== undefined;
    });
    return found ?? "";
  }

  /** The answer to an event. */
  async ask(...args: unknown[]): Promise<unknown> {
    this.say(`42${this.#nsp}1${JSON.stringify(args)}`);
    const start = `43${this.#nsp}1`;
    return JSON.parse((await this.next(start)).slice(start.length)) as unknown;
  }
}
