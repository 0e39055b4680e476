import { createExecutionContext } from "cloudflare:test";
import worker from "../support/socketio/worker.ts";
import { ownEnv } from "./client.ts";

export const SEPARATOR = "\u001E";
export const UNKNOWN = { status: 400, body: '{"code":1,"message":"Session ID unknown"}' };
export const BAD_REQUEST = { status: 400, body: '{"code":3,"message":"Bad request"}' };
export const OK = { status: 200, body: "ok" };

export const fetchWorker = (request: Request): Promise<Response> =>
  worker.fetch(request, ownEnv(), createExecutionContext());

export type Asked = { readonly status: number; readonly body: string; readonly headers: Headers };

/** A request to the address of clients. */
export async function ask(query: string, init: RequestInit = {}): Promise<Asked> {
  const response = await fetchWorker(new Request(`https://ringcast.test/socket.io/?${query}`, init));
  return { status: response.status, body: await response.text(), headers: response.headers };
}

/** A session that polls by hand. */
export class Poller {
  readonly handshake: { readonly sid: string; readonly upgrades: readonly string[] };

  constructor(packet: string) {
    this.handshake = JSON.parse(packet.slice(1));
  }

  static async open(query = ""): Promise<Poller> {
    const { status, body } = await ask(`EIO=4&transport=polling${query}`);
    if (status !== 200) throw new Error(`${status}: ${body}`);
    return new Poller(body);
  }

  /** Joins the main namespace. */
  static async connect(query = ""): Promise<Poller> {
    const poller = await Poller.open(query);
    await poller.post("40");
    await poller.next('42["hello"');
    return poller;
  }

  get query(): string {
    return `EIO=4&transport=polling&sid=${this.handshake.sid}`;
  }

  get(): Promise<Asked> {
    return ask(this.query);
  }

  post(body: BodyInit, init: RequestInit = {}): Promise<Asked> {
    return ask(this.query, { method: "POST", body, ...init });
  }

  /** The next packet that begins so; those before it are let go. */
  async next(start: string): Promise<string> {
    for (;;) {
      const { status, body } = await this.get();
      if (status !== 200) throw new Error(`${status}: ${body}`);
      for (const packet of body.split(SEPARATOR)) {
        if (packet === "2") await this.post("3");
        if (packet.startsWith(start)) return packet;
      }
    }
  }

  /** A WebSocket for the session. */
  async socket(): Promise<Probe> {
    const { webSocket } = await fetchWorker(
      new Request(`https://ringcast.test/socket.io/?EIO=4&transport=websocket&sid=${this.handshake.sid}`, {
        headers: { upgrade: "websocket" },
      }),
    );
    if (webSocket === null) throw new Error("no upgrade");
    return new Probe(webSocket);
  }

  /** Goes over to a WebSocket, as a stock client does it. */
  async upgrade(): Promise<Probe> {
    const probe = await this.socket();
    probe.say("2probe");
    await probe.next("3probe");
    probe.say("5");
    return probe;
  }
}

/** A WebSocket by hand. */
export class Probe {
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #frames: string[] = [];
  #wake: () => void = () => undefined;
  #isClosed = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      this.#frames.push(
        typeof data === "string" ? data : `b${[...new Uint8Array(data as ArrayBuffer)].join()}`,
      );
      this.#wake();
    });
    this.closed = new Promise((resolve) =>
      socket.addEventListener("close", () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      }),
    );
    socket.accept();
  }

  say(frame: string): void {
    this.#socket.send(frame);
  }

  close(): void {
    this.#socket.close(1000);
  }

  /** The next frame that begins so; those before it are let go. */
  async next(start: string): Promise<string> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame?.startsWith(start)) return frame;
      if (frame === undefined) {
        if (this.#isClosed) throw new Error("the socket has closed");
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }
  }
}
