import type { World } from "./world.ts";

/** The platform's limit for the attachment of a socket, which outlives a sleep of its object. */
const ATTACHMENT_BYTES = 16_384;

/** The client's end of a connection. A frame arrives later, and in order, until the connection breaks. */
export class ClientSocket {
  peer: ServerSocket | undefined;
  onMessage: (text: string) => void = () => undefined;
  onClose: (code: number) => void = () => undefined;
  #closed = false;

  accept(): void {}

  /** Drops the text if the connection is gone. */
  send(text: string): void {
    this.peer?.arrive(text);
  }

  /** Closes with the code of the SDK (1000), or of a connection that breaks (1006). */
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

/** The object's end of a connection. It outlives a sleep of its object, and ends with a crash of it. */
export class ServerSocket {
  readonly #world: World;
  readonly client: ClientSocket;
  /** The object that accepted the socket. */
  owner: string | undefined;
  #attachment: unknown = null;
  answeredAt = 0;
  #open = true;
  /** When the newest frame arrives in each direction. A later frame arrives at that time at the earliest. */
  #toClientAt = 0;
  #toObjectAt = 0;

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
    this.#toClient(() => this.client.open && this.client.onMessage(text));
  }

  close(code = 1000): void {
    if (!this.#open) return;
    this.#open = false;
    this.#world.forgetSocket(this);
    this.#toClient(() => this.client.closedByServer(code));
  }

  /** The object has crashed. */
  die(): void {
    this.#open = false;
    this.#toClient(() => this.client.closedByServer(1006));
  }

  arrive(text: string): void {
    this.#toObject(() => {
      if (!this.#open || this.owner === undefined) return;
      if (text === "{}") this.answeredAt = this.#world.clock.now;
      else this.#world.handle(this.owner, "webSocketMessage", [this, text]);
    });
  }

  lose(code: number): void {
    this.#toObject(() => {
      if (!this.#open || this.owner === undefined) return;
      this.#open = false;
      this.#world.forgetSocket(this);
      this.#world.handle(this.owner, "webSocketClose", [this, code, ""]);
    });
  }

  #toClient(run: () => void): void {
    this.#toClientAt = Math.max(this.#toClientAt, this.#world.clock.now + this.#world.random.int(1, 30));
    this.#world.clock.at(this.#toClientAt, () => this.#world.outside(run));
  }

  #toObject(run: () => void): void {
    this.#toObjectAt = Math.max(this.#toObjectAt, this.#world.clock.now + this.#world.random.int(1, 30));
    this.#world.clock.at(this.#toObjectAt, run);
  }
}

const mapsToo = (_: string, value: unknown): unknown => (value instanceof Map ? [...value] : value);
