import { env } from "cloudflare:workers";
import { createExecutionContext } from "cloudflare:test";
import { createWorker, type LineShard } from "./fronts-worker.ts";

export const BROADCAST = "ringcast:broadcast";

/** A publication as a line client hears it. The offset is null if the channel keeps no history. */
export type LineEvent = { readonly channel: string; readonly offset: number | null; readonly data: unknown };
export type LinePosition = { readonly logEpoch: string; readonly offset: number };
export type Joined = {
  readonly channel: string;
  readonly logEpoch: string;
  readonly offset: number | null;
  readonly how: string;
};

let worker = createWorker();
export const fetchWorker = async (request: Request): Promise<Response> =>
  worker.fetch(request, env, createExecutionContext());

/** For `afterEach`: a new router. */
export function forgetRing(): void {
  worker = createWorker();
}

/** A client of the line protocol (line-front.ts). */
export class LineClient {
  readonly socket: WebSocket;
  readonly lines: string[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  isClosed = false;
  #wake: (() => void)[] = [];
  #taken = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        this.isClosed = true;
        resolve({ code, reason });
        this.#ring();
      });
    });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data !== "string") throw new Error("a binary frame");
      this.lines.push(...data.split("\n"));
      this.#ring();
    });
  }

  static async open(key: string): Promise<LineClient> {
    const request = new Request(`https://ringcast.test/line?key=${key}`, {
      headers: { upgrade: "websocket" },
    });
    const response = await fetchWorker(request);
    const { webSocket } = response;
    if (webSocket === null) throw new Error(`${response.status}: ${await response.text()}`);
    const client = new LineClient(webSocket);
    webSocket.accept();
    return client;
  }

  /** Opens a socket and sends hello. `at`: the client's position in the broadcast channel. */
  static async connect(key: string, user = "", at?: LinePosition): Promise<LineClient> {
    const client = await LineClient.open(key);
    client.say(["hello", user, ...encodePosition(at)].join(" "));
    await client.next("welcome");
    return client;
  }

  say(line: string): void {
    this.socket.send(line);
  }

  /** The words of the next line that begins with these words. The lines before it stay in `lines`. */
  async next(...first: readonly string[]): Promise<string[]> {
    for (;;) {
      const line = this.lines[this.#taken];
      if (line !== undefined) {
        this.#taken += 1;
        const words = line.split(" ");
        if (first.every((word, n) => words[n] === word)) return words;
        continue;
      }
      if (this.isClosed) throw new Error(`closed before ${first.join(" ")}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  async join(channel: string, at?: LinePosition): Promise<Joined> {
    this.say(["join", channel, ...encodePosition(at)].join(" "));
    return readJoined(await this.next("joined", channel));
  }

  /** The client's last subscription to a channel, by itself or by the server. */
  joined(channel: string): Joined | undefined {
    return this.lines
      .filter((line) => line.startsWith(`joined ${channel} `))
      .map((line) => readJoined(line.split(" ")))
      .at(-1);
  }

  /** Every event of a channel so far. */
  events(channel: string): LineEvent[] {
    return this.lines.flatMap((line) => {
      const [word, name, offset, ...json] = line.split(" ");
      if (word !== "event" || name !== channel) return [];
      return [
        {
          channel,
          offset: offset === "-" ? null : Number(offset),
          data: JSON.parse(json.join(" ")) as unknown,
        },
      ];
    });
  }

  heard(channel: string): unknown[] {
    return this.events(channel).map(({ data }) => data);
  }

  messages(): unknown[] {
    return this.lines.flatMap((line) => (line.startsWith("message ") ? [JSON.parse(line.slice(8))] : []));
  }

  /** The client's position in a channel: the offset of its last event, or the offset of its start. */
  position(channel: string): LinePosition {
    const joined = this.joined(channel);
    if (joined === undefined || joined.offset === null) throw new Error(`no position in ${channel}`);
    return {
      logEpoch: joined.logEpoch,
      offset: this.events(channel).at(-1)?.offset ?? joined.offset,
    };
  }

  #ring(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

const encodePosition = (at: LinePosition | undefined): string[] =>
  at === undefined ? [] : [at.logEpoch, String(at.offset)];

const readJoined = ([, channel = "", logEpoch = "", offset = "-", how = ""]: readonly string[]): Joined => ({
  channel,
  logEpoch,
  offset: offset === "-" ? null : Number(offset),
  how,
});

/** The object of the second front for a shard. */
export function lineObject(id: string): DurableObjectStub<LineShard> {
  const namespace: DurableObjectNamespace<LineShard> | undefined = env.SHARD_LINE;
  if (namespace === undefined) throw new Error("there is no binding SHARD_LINE");
  return namespace.getByName(`auto/${id}`);
}
