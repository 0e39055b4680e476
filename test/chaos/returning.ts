import { setTimeout as sleep } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import { tellStored } from "./aftermath-rooms.ts";
import { isComplete, judge, type Heard } from "./judge-rooms.ts";
import type { Server } from "./server.ts";

const ROOMS = ["red", "green", "blue", "grey"];
const ROOMS_EACH = 2;
/** In the place of a room: what is for one client alone, and what is for two rooms at once. */
const ALONE = "alone";
const UNION = "union";
const UNION_EVERY = 5;
/** So long the last words are said again: a stock client takes 45 s to find that its server does not answer. */
const LAST_MS = 120_000;
/** A client tells its last steps where something was wrong. */
const STEPS = 12;

type Client = {
  readonly socket: Socket;
  /** The last id of its socket, also while it is away. */
  id: string;
  readonly rooms: readonly string[];
  readonly heard: Map<string, Heard[]>;
  readonly unions: number[];
  /** What the server has taken for this client alone. */
  readonly taken: number[];
  /** The rooms that its session has joined, as it was told. */
  readonly joined: Set<string>;
  /** What has become of its connections, for whoever looks for a fault. */
  readonly life: string[];
};

/** Stock Socket.IO clients whose sessions are recovered, to whose rooms and ids a back end speaks (SPEC SO47). */
export class Returning {
  readonly all: readonly Client[];
  readonly #startedAt = Date.now();
  recovered = 0;
  anew = 0;
  readonly #server: Server;
  readonly #apiKey: string;
  /** The events of each room that the server has taken, in order. */
  readonly #taken = new Map<string, number[]>(ROOMS.map((room) => [room, []]));
  /** The number that was last said in each room, whether it was taken or not. */
  readonly #said = new Map<string, number>();
  readonly #over = new AbortController();
  #speaking: Promise<void>[] = [];

  constructor(server: Server, { apiKey, clients }: { readonly apiKey: string; readonly clients: number }) {
    this.#server = server;
    this.#apiKey = apiKey;
    this.all = Array.from({ length: clients }, (_, n) => this.#connect(n));
  }

  get areConnected(): boolean {
    return this.all.every(({ socket, heard }) => socket.connected && heard.size > ROOMS_EACH);
  }

  start(pauseMs: number): void {
    this.#speaking = [...ROOMS.map((room, n) => this.#speakIn(room, n, pauseMs)), this.#speakToEach(pauseMs)];
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#speaking);
  }

  /**
   * Closes connections. A client that closes its own in the turn of its upgrade keeps the events of that turn for later,
   * and the offset that it then states does not cover them: it hears them twice, from a stock server too.
   */
  cutOff(clients: readonly Client[]): void {
    for (const { socket } of clients) {
      const { engine } = socket.io;
      const close = (): void => void setImmediate(() => engine.close());
      if (Reflect.get(engine, "upgrading") === true)
        engine.once("upgrade", close).once("upgradeError", close);
      else engine.close();
    }
  }

  /** Of how many rooms some client has not heard the last event. */
  get behind(): number {
    const all = this.all.flatMap(({ heard }) => [...heard.values()]);
    return all.filter((events) => !isComplete(events)).length;
  }

  /** The sentences about what was lost, repeated or out of order within a session. */
  problems(): string[] {
    return this.all.flatMap(({ heard, life, rooms, taken, unions }, n) => {
      const found = [
        ...[...rooms, ALONE].flatMap((room) =>
          judge(heard.get(room) ?? [], this.#taken.get(room) ?? taken).map(
            (what) => `returning-${n}, ${room}: ${what}`,
          ),
        ),
        ...unions
          .filter((event, at) => unions.indexOf(event) < at)
          .map((event) => `returning-${n} has heard the union ${event} twice`),
        ...[...rooms, ALONE]
          .filter((room) => !isComplete(heard.get(room)))
          .map((room) => `returning-${n} has not heard the last words in ${room}`),
      ];
      return found.length === 0 ? [] : [...found, `returning-${n}: ${life.slice(-STEPS).join("; ")}`];
    });
  }

  /** What client and server know of each client that lacks the last words, in lines. MUST be asked while the server runs. */
  async explain(): Promise<string[]> {
    const lines: string[] = [];
    for (const [n, { heard, id, joined, rooms, socket }] of this.all.entries()) {
      if ([...heard.values()].every(isComplete)) continue;
      const { engine } = socket.io;
      const inner = { connected: socket.connected, engine: engine.readyState, by: engine.transport.name };
      const hidden = {
        upgrading: Reflect.get(engine, "upgrading") as unknown,
        offset: Reflect.get(socket, "_lastOffset") as unknown,
      };
      lines.push(
        `returning-${n}, socket ${id}: ${JSON.stringify({ ...inner, ...hidden, joined: [...joined] })}`,
        `the server lists it so: ${JSON.stringify(await this.#askSockets(id))}`,
        ...tellStored(this.#server.storage, { id, channels: rooms.map((room) => `ringcast:io:/,${room}`) }),
      );
    }
    return lines;
  }

  leave(): void {
    for (const { socket } of this.all) socket.disconnect();
  }

  async #speakIn(room: string, of: number, pauseMs: number): Promise<void> {
    const other = ROOMS[(of + 1) % ROOMS.length] as string;
    for (let n = 0; !this.#over.signal.aborted; n++) {
      this.#said.set(room, n);
      if (await this.#say([room], [room, n])) this.#taken.get(room)?.push(n);
      // The order between rooms is open, so a union is judged by itself.
      if (n % UNION_EVERY === 0) await this.#say([room, other], [UNION, n * ROOMS.length + of]);
      await sleep(pauseMs);
    }
    const members = this.all.filter(({ rooms }) => rooms.includes(room));
    await this.#sayLast(
      () => [room],
      [room, null],
      () => members.every(({ heard }) => isComplete(heard.get(room))),
    );
  }

  async #speakToEach(pauseMs: number): Promise<void> {
    for (let n = 0; !this.#over.signal.aborted; n++) {
      for (const client of this.all) if (await this.#say([client.id], [ALONE, n])) client.taken.push(n);
      await sleep(pauseMs);
    }
    await Promise.all(
      this.all.map((client) =>
        this.#sayLast(
          () => [client.id],
          [ALONE, null],
          () => isComplete(client.heard.get(ALONE)),
        ),
      ),
    );
  }

  /**
   * Says what everybody has to hear until everybody has: a client whose session begins anew may not have been in the room
   * yet, and what was taken without an answer may be heard twice, which is no fault of the server.
   */
  async #sayLast(
    rooms: () => readonly string[],
    args: readonly unknown[],
    isHeard: () => boolean,
  ): Promise<void> {
    for (const until = Date.now() + LAST_MS; !isHeard() && Date.now() < until; await sleep(500))
      await this.#say(rooms(), args);
  }

  #connect(n: number): Client {
    const socket = io(this.#server.url, {
      // A half of them polls first, as a stock client does by itself.
      transports: n % 2 === 0 ? ["websocket"] : ["polling", "websocket"],
      forceNew: true,
      query: { key: `returning-${n}` },
      reconnectionDelay: 200,
      reconnectionDelayMax: 2_000,
    });
    const rooms = Array.from({ length: ROOMS_EACH }, (_, k) => ROOMS[(n + k) % ROOMS.length] as string);
    const heard = new Map<string, Heard[]>([[ALONE, []]]);
    const client: Client = {
      socket,
      id: "",
      rooms,
      heard,
      unions: [],
      taken: [],
      joined: new Set(),
      life: [],
    };
    socket.on("disconnect", (reason) => this.#note(client, `disconnected: ${reason}`));
    socket.on("connect_error", ({ message }) => {
      this.#note(client, `refused: ${message}`);
      // Its namespace has refused it, as a room could not be reached: a stock client leaves it to the application to ask again.
      if (!socket.active) setTimeout(() => socket.connect(), 1_000);
    });
    socket.on("connect", () => {
      const { name } = socket.io.engine.transport;
      this.#note(
        client,
        `${socket.recovered ? "recovered" : "begins anew"} by ${name} as ${String(socket.id)}`,
      );
      client.id = socket.id ?? "";
      if (socket.recovered) this.recovered += 1;
      else {
        if (heard.size > ROOMS_EACH) this.anew += 1;
        for (const all of heard.values()) all.push("anew");
        client.joined.clear();
      }
      // A crash or a cut may have taken the answer, or the join itself.
      for (const room of rooms) if (!client.joined.has(room)) this.#join(client, room);
    });
    socket.on("said", (room: string, event: number | null) => {
      if (room === UNION) client.unions.push(event ?? 0);
      else if (!isComplete(heard.get(room))) heard.get(room)?.push(event ?? Infinity);
    });
    return client;
  }

  #note({ life }: Client, what: string): void {
    life.push(`${((Date.now() - this.#startedAt) / 1_000).toFixed(1)} s ${what}`);
  }

  #join(client: Client, room: string): void {
    const { heard, joined, socket } = client;
    socket.timeout(5_000).emit("join", room, (error: Error | null) => {
      this.#note(client, `join of ${room}: ${error === null ? "answered" : error.message}`);
      // It is tried again with the next connection.
      if (error !== null) return socket.connected ? this.cutOff([client]) : undefined;
      joined.add(room);
      if (!heard.has(room)) heard.set(room, []);
      heard.get(room)?.push({ joinedAt: this.#said.get(room) ?? -1 });
    });
  }

  /** Answers whether the server has taken it. */
  async #say(rooms: readonly string[], args: readonly unknown[]): Promise<boolean> {
    try {
      return (await this.#call("emit", { rooms, event: "said", args })).ok;
    } catch {
      return false;
    }
  }

  /** The socket as the server has it, or why it does not say. */
  async #askSockets(id: string): Promise<unknown> {
    try {
      return await (await this.#call("sockets", { rooms: [id] })).json();
    } catch (error) {
      return String(error);
    }
  }

  #call(method: string, body: object): Promise<Response> {
    return fetch(`${this.#server.url}/socket.io/api/${method}`, {
      method: "POST",
      headers: { "x-api-key": this.#apiKey, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }
}
