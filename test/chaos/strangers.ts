import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

/** The act of a stranger on a connection that it was given. */
const DEEDS = ["reset", "flood", "stall", "neverAnswer"] as const;
export type Deed = (typeof DEEDS)[number];

const FRAMES = ["{} ", '{"id":1,"rpc":{"method":"x"}}', "{", "[]", '{"id":7,"ping":{}}'];
const FLOOD_FRAMES = 5_000;
const HANDSHAKE_MS = 5_000;

/**
 * Peers that behave as no client does: they reset their connection, flood it, read nothing, or leave the close frame of
 * the server unanswered. They speak WebSocket over a bare connection, as every library answers a close by itself.
 */
export class Strangers {
  readonly #url: () => URL;
  readonly #open = new Set<Socket>();
  #count = 0;

  /** `url`: where the server listens at the moment. */
  constructor(url: () => URL) {
    this.#url = url;
  }

  /** The connections that are still open at the stranger's end. */
  get open(): number {
    return this.#open.size;
  }

  /** Connects `times` strangers that do the same. */
  async come(deed: Deed, times: number): Promise<void> {
    await Promise.allSettled(Array.from({ length: times }, () => this.#connect(deed)));
  }

  /** Resets every connection. */
  leave(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  async #connect(deed: Deed): Promise<void> {
    const { hostname, port, host } = this.#url();
    const socket = connect(Number(port), hostname);
    this.#open.add(socket);
    socket.on("close", () => this.#open.delete(socket));
    socket.on("error", () => undefined);
    this.#count += 1;
    socket.write(
      [
        `GET /connection/websocket?key=stranger-${this.#count} HTTP/1.1`,
        `Host: ${host}`,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
        "\r\n",
      ].join("\r\n"),
    );
    await accepted(socket);
    socket.write(frameOf('{"id":1,"connect":{}}'));
    if (deed === "reset") socket.resetAndDestroy();
    if (deed === "stall") socket.pause();
    if (deed === "flood") {
      const frames = FRAMES.map(frameOf);
      for (let n = 0; n < FLOOD_FRAMES; n++) socket.write(frames[n % frames.length] as Buffer);
    }
    // The stranger reads every frame and answers none, not even the close frame.
    if (deed !== "stall") socket.resume();
  }
}

function accepted(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the handshake has no answer")), HANDSHAKE_MS);
    socket.once("data", (data) => {
      clearTimeout(timer);
      if (data.toString("latin1").startsWith("HTTP/1.1 101")) resolve();
      else reject(new Error("the upgrade was refused"));
    });
    socket.once("close", () => {
      clearTimeout(timer);
      reject(new Error("the connection was closed"));
    });
  });
}

/** A text frame of a client, shorter than 126 bytes (RFC 6455, section 5.2). The mask is zero. */
function frameOf(text: string): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), body]);
}
