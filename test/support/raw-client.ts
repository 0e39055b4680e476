import type { IncomingMessage } from "node:http";
import WebSocket from "ws";
import { flood } from "./flood.ts";

/** A client that can break the protocol: it sends any frame, and keeps every line and the close. */
export class RawClient {
  readonly socket: WebSocket;
  readonly lines: Record<string, any>[] = [];
  /** A client that answers no ping ends after two of them (SPEC SE6). */
  answersPings = true;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #wake: (() => void)[] = [];
  #next = 0;
  #closeCode: number | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer) => {
      if (this.answersPings && data.toString() === "{}") socket.send("{}");
      for (const line of data.toString().split("\n")) if (line !== "") this.lines.push(JSON.parse(line));
      for (const wake of this.#wake.splice(0)) wake();
    });
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.#closeCode = code;
        for (const wake of this.#wake.splice(0)) wake();
        resolve({ code, reason: reason.toString() });
      });
    });
    socket.on("error", () => {});
  }

  /** `onRefused` gets an answer other than 101. The promise then stays open. */
  static async open(
    endpoint: string,
    options?: WebSocket.ClientOptions,
    onRefused?: (response: IncomingMessage) => void,
  ): Promise<RawClient> {
    const client = new RawClient(new WebSocket(endpoint, options));
    if (onRefused !== undefined)
      client.socket.on("unexpected-response", (_, response) => onRefused(response));
    await new Promise<void>((resolve, reject) => {
      client.socket.once("open", resolve);
      client.socket.once("error", reject);
    });
    return client;
  }

  /** Opens a socket, sends `connect` and waits for the reply. */
  static async connect(endpoint: string, body: object = {}): Promise<RawClient> {
    const client = await RawClient.open(endpoint);
    client.send({ id: 1, connect: body });
    await client.next();
    return client;
  }

  send(...commands: object[]): void {
    this.socket.send(commands.map((command) => JSON.stringify(command)).join("\n"));
  }

  /**
   * Sends frames until the server ends the connection. Limits of rate are limits of what the shard reads, and on a busy
   * machine it reads slowly.
   */
  async flood(frame: (n: number) => string): Promise<{ code: number; reason: string }> {
    await flood(this.socket, frame);
    return this.closed;
  }

  /** The next line that is not a ping. Rejects if the connection ends first. */
  async next(forMs = 120_000): Promise<Record<string, any>> {
    const until = Date.now() + forMs;
    for (;;) {
      while (this.#next < this.lines.length) {
        const line = this.lines[this.#next++];
        if (line !== undefined && Object.keys(line).length > 0) return line;
      }
      if (this.#closeCode !== undefined) throw new Error(`closed with ${this.#closeCode}`);
      const left = until - Date.now();
      if (left <= 0) throw new Error("nothing came");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Sends one command and answers with its reply. Skips pushes in between. */
  async ask(command: { id: number } & Record<string, unknown>): Promise<Record<string, any>> {
    this.send(command);
    for (;;) {
      const line = await this.next();
      if (line["id"] === command.id) return line;
    }
  }

  close(): void {
    this.socket.close();
  }
}
