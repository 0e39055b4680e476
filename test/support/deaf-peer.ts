import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A peer that speaks WebSocket by hand: it never answers a close frame, and may vanish without a word. */
export class DeafPeer {
  readonly #socket: Socket;
  /** The code of the close frame that it did not answer. */
  closeCode: number | undefined;
  #received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (data: Buffer) => this.#read(data));
  }

  /** Opens a socket, and rejects where the answer is not 101. `headers` go along. */
  static async open(
    endpoint: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly peer: DeafPeer; readonly answer: string }> {
    const { hostname, port, pathname, search, host } = new URL(endpoint);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    const fields = {
      host,
      upgrade: "websocket",
      connection: "upgrade",
      "sec-websocket-version": "13",
      "sec-websocket-key": randomBytes(16).toString("base64"),
      ...headers,
    };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    let answer = Buffer.alloc(0);
    while (!answer.includes("\r\n\r\n")) {
      const [data] = (await once(socket, "data")) as [Buffer];
      answer = Buffer.concat([answer, data]);
    }
    const end = answer.indexOf("\r\n\r\n") + 4;
    const text = answer.subarray(0, end).toString();
    if (!text.startsWith("HTTP/1.1 101")) {
      socket.destroy();
      throw new Error(text);
    }
    const peer = new DeafPeer(socket);
    peer.#read(answer.subarray(end));
    return { peer, answer: text };
  }

  /** Sends a text frame of at most 65,535 bytes. */
  send(text: string): void {
    this.sendFrame(0x81, Buffer.from(text));
  }

  /** Sends one frame, with a mask of zeros. `start`: its first byte. */
  sendFrame(start: number, payload: Buffer): void {
    const { length } = payload;
    const head = length < 126 ? [start, 0x80 | length] : [start, 0x80 | 126, length >> 8, length & 0xff];
    this.#socket.write(Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]));
  }

  /** Resolves when the system has taken what was sent. */
  async drained(): Promise<void> {
    if (this.#socket.writableNeedDrain)
      await Promise.race([once(this.#socket, "drain"), once(this.#socket, "close")]);
    else await new Promise((resolve) => setImmediate(resolve));
  }

  /** Cuts the connection without a word: with a reset where the system has one. */
  vanish(): void {
    this.#socket.resetAndDestroy();
  }

  #read(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      const [start, short] = this.#received;
      if (start === undefined || short === undefined) return;
      const long = short === 126 ? 2 : short === 127 ? 8 : 0;
      if (this.#received.length < 2 + long) return;
      const length =
        long === 0
          ? short
          : long === 2
            ? this.#received.readUInt16BE(2)
            : Number(this.#received.readBigUInt64BE(2));
      if (this.#received.length < 2 + long + length) return;
      const payload = this.#received.subarray(2 + long, 2 + long + length);
      if ((start & 0x0f) === 8) this.closeCode = length < 2 ? 1005 : payload.readUInt16BE(0);
      this.#received = this.#received.subarray(2 + long + length);
    }
  }
}
