import type { World } from "./world.ts";

/** What an object may remember of a socket through its sleep (the platform's limit). */
const ATTACHMENT_BYTES = 16_384;

/** The client's end: what it is given arrives later, in order, until the connection is cut. */
export class ClientSocket {
  peer: ServerSocket | undefined;
  onMessage: (text: string) => void = () => undefined;
  onClose: (code: number) => void = () => undefined;
  #closed = false;

  accept(): void {}

  /** False: the connection is gone. */
  send(text: string): void {
    this.peer?.arrive(text);
  }

  /** Closes as the SDK does (1000), or as a network does that is cut (1006). */
  close(code: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.peer?.lose(code);
  }

  closedByServer(code: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onClose(code);
  }

  get open(): boolean {
    return !this.#closed;
  }
}

/** The object's end. It survives a sleep of its object, and dies with a crash of it. */
export class ServerSocket {
  readonly #world: World;
  readonly client: ClientSocket;
  /** The object that accepted it. */
  owner: string | undefined;
  #attachment: unknown = null;
  answeredAt = 0;
  #open = true;
  /** Frames arrive in order: never before the one that was sent earlier. */
  #lastDown = 0;
  #lastUp = 0;

  constructor(world: World, client: ClientSocket) {
    this.#world = world;
    this.client = client;
  }

  get open(): boolean {
    return this.#open;
  }

  serializeAttachment(value: unknown): void {
    if (JSON.stringify(value, mapsToo).length > ATTACHMENT_BYTES)
      throw new Error("the attachment is too large");
    this.#attachment = structuredClone(value);
  }

  deserializeAttachment(): unknown {
    return structuredClone(this.#attachment);
  }

  send(text: string): void {
    if (!this.#open) throw new Error("the socket is closed");
    this.#down(() => this.client.open && this.client.onMessage(text));
  }

  close(code = 1000): void {
    if (!this.#open) return;
    this.#open = false;
    this.#world.forgetSocket(this);
    this.#down(() => this.client.closedByServer(code));
  }

  /** Its object has died. */
  die(): void {
    this.#open = false;
    this.#down(() => this.client.closedByServer(1006));
  }

  arrive(text: string): void {
    this.#up(() => {
      if (!this.#open || this.owner === undefined) return;
      if (text === "{}") this.answeredAt = this.#world.clock.now;
      else this.#world.handle(this.owner, "webSocketMessage", [this, text]);
    });
  }

  lose(code: number): void {
    this.#up(() => {
      if (!this.#open || this.owner === undefined) return;
      this.#open = false;
      this.#world.forgetSocket(this);
      this.#world.handle(this.owner, "webSocketClose", [this, code, ""]);
    });
  }

  #down(run: () => void): void {
    this.#lastDown = Math.max(this.#lastDown, this.#world.clock.now + this.#world.random.int(1, 30));
    this.#world.clock.at(this.#lastDown, () => this.#world.outside(run));
  }

  #up(run: () => void): void {
    this.#lastUp = Math.max(this.#lastUp, this.#world.clock.now + this.#world.random.int(1, 30));
    this.#world.clock.at(this.#lastUp, run);
  }
}

const mapsToo = (_: string, value: unknown): unknown => (value instanceof Map ? [...value] : value);
