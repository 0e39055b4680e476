import { createHmac } from "node:crypto";
import WebSocket from "ws";
import { DIALECTS, type Dialect, type DialectName, type Greeting, type Since } from "./dialects.ts";

/** The mark before the time of sending in every payload. It occurs only there. */
const MARK = "~";
const MARK_BYTE = MARK.charCodeAt(0);
const TIME_DIGITS = 12;
/** One listener in so many takes the time of each delivery. The others only count their deliveries. */
const SAMPLED = 20;

export type Opening = {
  readonly url: string;
  readonly dialect: DialectName;
  readonly count: number;
  /** The number of connects that are under way at once. */
  readonly atOnce: number;
  readonly channels: readonly string[];
  readonly secret: string;
  readonly prefix: string;
  readonly since?: Since;
};

/** A group of sockets, and the deliveries that they have heard. */
export class Clients {
  readonly sockets: WebSocket[] = [];
  delivered = 0;
  lastAt = 0;
  latencies: number[] = [];
  /** The last frame that let a client in. */
  welcome = "";
  #expected = Infinity;
  #complete: () => void = () => undefined;

  /** Opens sockets. Returns the time of each connect in ms, from the first byte to the welcome. */
  async open(opening: Opening): Promise<number[]> {
    const dialect: Dialect = DIALECTS[opening.dialect];
    const took: number[] = [];
    const base = this.sockets.length;
    const greetings = Array.from({ length: opening.count }, (_, n): [string, Greeting] => {
      const key = `${opening.prefix}${base + n}`;
      const token = signToken(key, opening.secret);
      const since = opening.since === undefined ? {} : { since: opening.since };
      return [key, { channels: opening.channels.map((name) => name.replace("*", key)), token, ...since }];
    });
    let next = 0;
    const worker = async () => {
      for (let n = next++; n < greetings.length; n = next++) {
        const [key, greeting] = greetings[n] as [string, Greeting];
        const startedAt = performance.now();
        await this.#connect(
          `${opening.url}${dialect.path(key)}`,
          dialect,
          greeting,
          (base + n) % SAMPLED === 0,
        );
        took.push(performance.now() - startedAt);
      }
    };
    await Promise.all(Array.from({ length: opening.atOnce }, worker));
    return took;
  }

  #connect(url: string, dialect: Dialect, greeting: Greeting, sampled: boolean): Promise<void> {
    const hello = dialect.greet(greeting);
    const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
    this.sockets.push(socket);
    return new Promise((resolve, reject) => {
      let welcome = false;
      socket.on("open", () => socket.send(hello));
      socket.on("error", reject);
      socket.on("close", (code) => reject(new Error(`closed with ${code} before the welcome`)));
      socket.on("message", (data: Buffer) => {
        if (data.includes(MARK_BYTE)) this.#hear(data, sampled);
        else if (data.length <= 2 && data.toString() === dialect.ping) socket.send(dialect.pong);
        if (welcome) return;
        const line = data
          .toString()
          .split("\n")
          .find((one) => dialect.isWelcome(one, greeting));
        if (line === undefined) {
          const next = dialect.next?.(data.toString(), greeting);
          if (next !== undefined) socket.send(next);
          return;
        }
        welcome = true;
        this.welcome = line;
        resolve();
      });
    });
  }

  #hear(data: Buffer, sampled: boolean): void {
    const now = performance.now();
    for (let at = data.indexOf(MARK_BYTE); at !== -1; at = data.indexOf(MARK_BYTE, at + TIME_DIGITS)) {
      this.delivered += 1;
      if (sampled) this.latencies.push(now - Number(data.toString("latin1", at + 1, at + 1 + TIME_DIGITS)));
    }
    this.lastAt = now;
    if (this.delivered >= this.#expected) this.#complete();
  }

  /** Resets the counts. Resolves with true after so many deliveries, and with false after `forMs`. */
  expect(deliveries: number, forMs: number): Promise<boolean> {
    this.delivered = 0;
    this.latencies = [];
    this.#expected = deliveries;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), forMs);
      this.#complete = () => {
        clearTimeout(timer);
        this.#expected = Infinity;
        resolve(true);
      };
    });
  }

  async close(): Promise<void> {
    const sockets = this.sockets.splice(0);
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.removeAllListeners("close").on("close", () => resolve());
            socket.close();
          }),
      ),
    );
  }
}

/** A payload of so many bytes that holds its time of sending. */
export function payload(bytes: number): string {
  const time = performance.now().toFixed(3).padStart(TIME_DIGITS, "0");
  return `${MARK}${time}`.padEnd(bytes, "x");
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function signToken(user: string, secret: string): string {
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp: 4_000_000_000 })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
