import { isComplete, judge, type Heard } from "../chaos/judge-rooms.ts";
import type { Router } from "./release.ts";
import type { ClientSocket } from "./sockets.ts";
import type { World } from "./world.ts";

/** As the stock client waits for an answer, and before it comes back. */
const TIMEOUT_MS = 5_000;
const RECONNECT_MS = [500, 5_000] as const;
/** A client that has not got into its namespace by then gives the connection up. */
const CONNECT_MS = 20_000;

/** In the place of a room: what is for one client alone. */
export const ALONE = "alone";

type Saying = { readonly last: number; readonly taken: readonly number[] };

/** A Socket.IO client over a WebSocket, as the stock one with recovery: it comes back for its session and its rooms. */
export class SocketIoClient {
  readonly name: string;
  readonly rooms: readonly string[];
  /** The last id of its socket, also while it is away. */
  id: string | undefined;
  readonly #heard = new Map<string, Heard[]>();
  readonly #world: World;
  readonly #routers: readonly Router[];
  /** The number that is being said in a room. */
  readonly #lastSaid: (room: string) => number;
  readonly #joined = new Set<string>();
  #socket: ClientSocket | undefined;
  #connected = false;
  #pid: string | undefined;
  #offset: string | undefined;
  /** Events that have come before the answer to CONNECT. */
  #early: unknown[][] = [];
  #lastAck = 0;
  readonly #acks = new Map<number, () => void>();

  constructor(
    world: World,
    parts: {
      readonly name: string;
      readonly routers: readonly Router[];
      readonly rooms: readonly string[];
      readonly lastSaid: (room: string) => number;
    },
  ) {
    this.#world = world;
    this.#routers = parts.routers;
    this.#lastSaid = parts.lastSaid;
    this.name = parts.name;
    this.rooms = parts.rooms;
    for (const room of [...parts.rooms, ALONE]) this.#heard.set(room, []);
  }

  /** The object that has the connection. */
  get shard(): string | undefined {
    return this.#socket?.peer?.owner;
  }

  connect(): void {
    void this.#connect();
  }

  cut(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#world.note(`${this.name} is cut off`);
    this.#world.countFault("Socket.IO client cut off");
    socket.close(1006);
    this.#onClose(socket);
  }

  /** The sentences about what was lost, repeated or out of order within a session. */
  problems(said: (room: string) => Saying): string[] {
    return [...this.#heard].flatMap(([room, heard]) => {
      const { taken } = said(room);
      // A call without an answer may arrive late, or more than once.
      const sure = heard.filter((event) => typeof event !== "number" || taken.includes(event));
      const problems = judge(sure, taken);
      if (problems.length === 0 && !isComplete(sure)) problems.push("the last words are lost");
      return problems.map((problem) => `${this.name}: room ${room}: ${problem} (SPEC SO47)`);
    });
  }

  async #connect(): Promise<void> {
    const forwarded = await this.#world.random.pick(this.#routers).connectSocket(this.name);
    if (forwarded.kind !== "connected") return this.#reconnect();
    const socket = forwarded.response.webSocket as unknown as ClientSocket;
    this.#socket = socket;
    this.#early = [];
    socket.onMessage = (text) => this.#onFrame(socket, text);
    socket.onClose = () => this.#onClose(socket);
    // The server may have closed the socket before the client had it.
    if (!socket.open) return this.#onClose(socket);
    this.#world.setTimer(() => {
      if (this.#socket === socket && !this.#connected) this.cut();
    }, CONNECT_MS);
  }

  #reconnect(): void {
    this.#world.setTimer(() => this.connect(), this.#world.random.int(...RECONNECT_MS));
  }

  #onClose(socket: ClientSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#connected = false;
    this.#acks.clear();
    this.#reconnect();
  }

  #onFrame(socket: ClientSocket, text: string): void {
    if (this.#socket !== socket) return;
    this.#world.note(`${this.name} <- ${text.slice(0, 300)}`);
    if (text.startsWith("0")) return this.#sendConnect(socket);
    if (text === "2") return socket.send("3");
    const [, kind, id = "", json = "null"] = /^4(\d)(\d*)(.*)$/s.exec(text) ?? [];
    const data = JSON.parse(json === "" ? "null" : json) as unknown;
    if (kind === "0") return this.#onConnect(data as { sid: string; pid: string });
    if (kind === "2") return this.#onEvent(data as unknown[]);
    // An application asks again after a refusal, and after the server has ended its socket.
    if (kind === "1" || kind === "4") return this.cut();
    if (kind !== "3") return;
    const onAck = this.#acks.get(Number(id));
    this.#acks.delete(Number(id));
    onAck?.();
  }

  #sendConnect(socket: ClientSocket): void {
    const auth = this.#pid === undefined ? undefined : { pid: this.#pid, offset: this.#offset };
    socket.send(`40${auth === undefined ? "" : JSON.stringify(auth)}`);
  }

  #onConnect({ sid, pid }: { readonly sid: string; readonly pid: string }): void {
    const isRecovered = this.#pid === pid;
    this.id = sid;
    this.#pid = pid;
    this.#connected = true;
    if (isRecovered) this.#world.countFault("Socket.IO session recovered");
    else {
      for (const heard of this.#heard.values()) heard.push("anew");
      this.#joined.clear();
      this.#offset = undefined;
    }
    for (const args of this.#early.splice(0)) this.#onEvent(args);
    for (const room of this.rooms) if (!this.#joined.has(room)) this.#join(room);
  }

  #onEvent(args: unknown[]): void {
    if (!this.#connected) return void this.#early.push(args);
    const [, room, event] = args as [string, string, number | null];
    const offset = args.at(-1);
    if (typeof offset === "string") this.#offset = offset;
    const heard = this.#heard.get(room);
    if (!isComplete(heard)) heard?.push(event ?? Infinity);
  }

  #join(room: string): void {
    const socket = this.#socket;
    this.#lastAck += 1;
    const id = this.#lastAck;
    const timer = this.#world.setTimer(() => {
      if (this.#acks.delete(id) && this.#socket === socket) this.cut();
    }, TIMEOUT_MS);
    this.#acks.set(id, () => {
      timer.cancel();
      this.#joined.add(room);
      this.#heard.get(room)?.push({ joinedAt: this.#lastSaid(room) });
    });
    socket?.send(`42${id}${JSON.stringify(["join", room])}`);
  }
}
