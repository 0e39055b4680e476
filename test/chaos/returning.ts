import { setTimeout as sleep } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import type { Server } from "./server.ts";

const ROOMS = ["red", "green", "blue", "grey"];
const ROOMS_EACH = 2;

/** What one client has heard of one room, in order; `anew` where its session has begun anew. */
type Heard = number | "anew";
type Client = {
  readonly socket: Socket;
  readonly rooms: readonly string[];
  readonly heard: Map<string, Heard[]>;
};

/** Stock Socket.IO clients whose sessions are recovered, in rooms to which a back end speaks (SPEC SO47). */
export class Returning {
  readonly all: readonly Client[];
  recovered = 0;
  anew = 0;
  readonly #server: Server;
  readonly #apiKey: string;
  /** The events of each room that the server has taken, in order. */
  readonly #taken = new Map<string, number[]>(ROOMS.map((room) => [room, []]));
  readonly #over = new AbortController();
  #speaking: Promise<void>[] = [];

  constructor(server: Server, { apiKey, clients }: { readonly apiKey: string; readonly clients: number }) {
    this.#server = server;
    this.#apiKey = apiKey;
    this.all = Array.from({ length: clients }, (_, n) => this.#connect(n));
  }

  get areConnected(): boolean {
    return this.all.every(({ socket, heard }) => socket.connected && heard.size === ROOMS_EACH);
  }

  start(pauseMs: number): void {
    this.#speaking = ROOMS.map(async (room) => {
      for (let n = 0; !this.#over.signal.aborted; n++) {
        await this.#say(room, n);
        await sleep(pauseMs);
      }
      // A last one that everybody has to hear.
      while (!(await this.#say(room, Infinity))) await sleep(500);
    });
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#speaking);
  }

  /** How many have not heard the last event of a room. */
  get behind(): number {
    return this.all.flatMap(({ heard }) => [...heard.values()]).filter((all) => all.at(-1) !== Infinity)
      .length;
  }

  /** The sentences about what was lost, repeated or out of order within a session. */
  problems(): string[] {
    return this.all.flatMap(({ heard, rooms }, n) =>
      rooms.flatMap((room) =>
        judge(heard.get(room) ?? [], this.#taken.get(room) ?? []).map(
          (what) => `returning-${n} in ${room}: ${what}`,
        ),
      ),
    );
  }

  leave(): void {
    for (const { socket } of this.all) socket.disconnect();
  }

  #connect(n: number): Client {
    const socket = io(this.#server.url, {
      transports: ["websocket"],
      forceNew: true,
      query: { key: `returning-${n}` },
      reconnectionDelay: 200,
      reconnectionDelayMax: 2_000,
    });
    const rooms = Array.from({ length: ROOMS_EACH }, (_, k) => ROOMS[(n + k) % ROOMS.length] as string);
    const heard = new Map<string, Heard[]>();
    socket.on("connect", () => {
      if (socket.recovered) this.recovered += 1;
      else {
        if (heard.size > 0) this.anew += 1;
        for (const room of rooms) {
          heard.get(room)?.push("anew");
          // A crash may have taken the answer, or the join itself.
          socket.timeout(5_000).emit("join", room, (error: Error | null) => {
            if (error === null && !heard.has(room)) heard.set(room, []);
            if (error !== null) socket.io.engine.close();
          });
        }
      }
    });
    socket.on("said", (room: string, event: number | null) => heard.get(room)?.push(event ?? Infinity));
    return { socket, rooms, heard };
  }

  async #say(room: string, event: number): Promise<boolean> {
    try {
      const response = await fetch(`${this.#server.url}/socket.io/api/emit`, {
        method: "POST",
        headers: { "x-api-key": this.#apiKey, "content-type": "application/json" },
        body: JSON.stringify({
          rooms: [room],
          event: "said",
          args: [room, Number.isFinite(event) ? event : null],
        }),
      });
      if (response.ok) this.#taken.get(room)?.push(event);
      return response.ok;
    } catch {
      return false;
    }
  }
}

/** `taken`: what the server has acknowledged. What it has not may be heard, or not. */
export function judge(heard: readonly Heard[], taken: readonly number[]): string[] {
  const problems: string[] = [];
  let last: number | undefined;
  for (const event of heard) {
    if (event === "anew") {
      last = undefined;
      continue;
    }
    if (last !== undefined && event <= last) problems.push(`${event} after ${last}`);
    const before = last;
    if (before !== undefined)
      problems.push(
        ...taken.filter((one) => one > before && one < event).map((one) => `${one} is lost before ${event}`),
      );
    last = event;
  }
  return problems;
}
