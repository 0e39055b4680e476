import { clone } from "./clone.ts";
import { bytesOver, PLATFORM } from "./platform-limits.ts";
import type { World } from "./world.ts";

/** The client's end of a connection. A frame arrives later, and in order, until the connection breaks. */
export class ClientSocket {
  peer: ServerSocket | undefined;
  onMessage: (text: string) => void = () => undefined;
  onClose: (code: number) => void = () => undefined;
  /** A hostile peer leaves the close frame of the server unanswered and keeps its end open. */
  answersClose = true;
  #closed = false;
  #unread: (() => void)[] | undefined;

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
    if (!this.answersClose) return this.onClose(code);
    this.#closed = true;
    this.peer?.answered(code);
    this.onClose(code);
  }

  /** From now on the client reads nothing. */
  stall(): void {
    this.#unread ??= [];
  }

  /** Runs when the client reads: now, or never where it has stalled. */
  read(run: () => void): void {
    if (this.#unread === undefined) run();
    else this.#unread.push(run);
  }

  get open(): boolean {
    return !this.#closed;
  }
}

/**
 * `open`; `closing`: closed by the object, and the peer has not answered; `lost`: ended by the peer, and the object has
 * not closed its end; `closed`.
 */
type State = "open" | "closing" | "lost" | "closed";

/**
 * The object's end of a connection. It outlives a sleep of its object, and ends with a crash of it. It is as unkind as
 * the platform's (SPEC BD71).
 */
export class ServerSocket {
  readonly #world: World;
  readonly client: ClientSocket;
  /** The object that accepted the socket. */
  owner: string | undefined;
  /** How often the object had crashed when it accepted the socket. */
  crashesBefore = 0;
  tags: readonly string[] = [];
  #attachment: unknown = null;
  answeredAt = 0;
  #state: State = "open";
  /** How often the object has slept since it closed the socket. */
  #sleeps = 0;
  #queuedBytes = 0;
  /** When the newest frame arrives in each direction. A later frame arrives at that time at the earliest. */
  #toClientAt = 0;
  #toObjectAt = 0;

  constructor(world: World, client: ClientSocket) {
    this.#world = world;
    this.client = client;
  }

  get open(): boolean {
    return this.#state === "open";
  }

  /** The peer has ended the connection, and the object has left its own end open. */
  get isHalfOpen(): boolean {
    return this.#state === "lost";
  }

  /** Whether the platform lists the socket. */
  get isListed(): boolean {
    return this.#state === "open" || this.#state === "closing";
  }

  /** A socket that the peer never lets go reads as open after the second sleep (docs/platform.md P11). */
  get readyState(): number {
    if (this.#state === "open") return 1;
    if (this.#state === "closing") return this.#sleeps >= 2 ? 1 : 2;
    return this.#state === "lost" ? 2 : 3;
  }

  /** The bytes that the peer has not read, those of the newest frame included; undefined on an older runtime. */
  get bufferedAmount(): number | undefined {
    return this.#world.countsQueuedBytes ? this.#queuedBytes : undefined;
  }

  serializeAttachment(value: unknown): void {
    const bytes = bytesOver(value, PLATFORM.attachmentBytes);
    if (bytes !== undefined) {
      this.#world.refused(`an attachment of ${bytes} bytes`);
      throw new Error("the attachment is too large");
    }
    this.#attachment = clone(value);
  }

  deserializeAttachment(): unknown {
    return clone(this.#attachment);
  }

  /** Sends into nothing where the peer is gone and the socket reads as open. */
  send(text: string): void {
    if (this.readyState !== 1) throw new Error("the socket is closed");
    const bytes = Buffer.byteLength(text);
    this.#queuedBytes += bytes;
    if (this.owner !== undefined) {
      const object = this.#world.objects.of(this.owner);
      object.mostQueuedBytes = Math.max(object.mostQueuedBytes, this.#queuedBytes);
    }
    if (this.#state !== "open") return;
    this.#toClient(() =>
      this.client.read(() => {
        this.#queuedBytes -= bytes;
        if (this.client.open) this.client.onMessage(text);
      }),
    );
  }

  close(code = 1000, reason = ""): void {
    if (code !== 1000 && (code < 3000 || code > 4999) && !SENT_CODES.has(code))
      throw new DOMException(`the code ${code} cannot be sent`, "InvalidAccessError");
    if (Buffer.byteLength(reason) > PLATFORM.closeReasonBytes)
      throw new DOMException("the reason is too long", "SyntaxError");
    if (this.#state === "lost") return this.#end();
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#toClient(() => this.client.read(() => this.client.closedByServer(code)));
  }

  /** The object has crashed. */
  die(): void {
    const wasOpen = this.#state !== "closed";
    this.#state = "closed";
    if (wasOpen) this.#toClient(() => this.client.closedByServer(1006));
  }

  /** The object has gone to sleep. The platform lets go of what is half open. */
  slept(): void {
    if (this.#state === "closing") this.#sleeps += 1;
    if (this.#state === "lost") this.#end();
  }

  arrive(text: string): void {
    this.#toObject(() => {
      if (!this.isListed || this.owner === undefined) return;
      if (text === this.#world.objects.of(this.owner).answeredAlone) this.answeredAt = this.#world.clock.now;
      else this.#world.handle(this.owner, "webSocketMessage", [this, text]);
    });
  }

  /**
   * The peer ends the connection. The socket is listed no more at once, and its event comes a moment later: of several
   * sockets that end during one sleep, the first event wakes the object.
   */
  lose(code: number): void {
    this.#toObject(() => {
      if (this.#state === "closed" || this.owner === undefined) return;
      const answersOurs = this.#state === "closing";
      this.#state = "lost";
      if (answersOurs) this.#end();
      this.#tell(code);
    });
  }

  /** The peer answers the close frame. */
  answered(code: number): void {
    this.lose(code);
  }

  #tell(code: number): void {
    const { clock, fate } = this.#world;
    clock.after(fate.int(0, 3), () => {
      if (this.owner !== undefined) this.#world.tellClose(this.owner, this, code);
    });
  }

  #end(): void {
    this.#state = "closed";
    if (this.owner !== undefined) this.#world.objects.of(this.owner).sockets.delete(this);
  }

  #toClient(run: () => void): void {
    this.#toClientAt = Math.max(this.#toClientAt, this.#world.clock.now + this.#world.random.int(1, 30));
    this.#world.clock.at(this.#toClientAt, () => {
      this.#world.events.isFrame = true;
      this.#world.outside(run);
    });
  }

  #toObject(run: () => void): void {
    this.#toObjectAt = Math.max(this.#toObjectAt, this.#world.clock.now + this.#world.random.int(1, 30));
    this.#world.clock.at(this.#toObjectAt, () => {
      this.#world.events.isFrame = true;
      run();
    });
  }
}

/** The codes under 3000 that a close frame may carry. */
const SENT_CODES = new Set([1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]);
