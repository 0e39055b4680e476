import type { MemoryPeer } from "../shard/connections/peer.ts";
import type { Frame } from "../shard/frame.ts";
import { packets, refuse } from "./answers.ts";
import { CLOSE, NOOP } from "./engine.ts";

/** The client's end of a polling session: the packets that wait for its next GET, and the GET that waits for packets. */
export class PollingPeer implements MemoryPeer {
  readonly inMemory = true;
  bufferedAmount = 0;
  /** A POST of the client is being read; the end of the session ends that. */
  reading: AbortController | undefined;
  /** The server has closed, and the client has not been told. */
  isClosing = false;
  /** No more packets are taken for the client. */
  #isDone = false;
  #queue: Frame[] = [];
  #answer: ((answer: Response) => void) | undefined;
  readonly #attachment: Pick<WebSocket, "serializeAttachment">;

  /** `attachment`: any WebSocket; it knows how much an attachment holds. */
  constructor(attachment: Pick<WebSocket, "serializeAttachment">) {
    this.#attachment = attachment;
  }

  get isHeld(): boolean {
    return this.#answer !== undefined;
  }

  /** Whether a close now would leave words for a later GET. */
  get isOwed(): boolean {
    return !this.#isDone && !(this.isHeld && this.#queue.length === 0);
  }

  /** The answer to a GET. MUST NOT be called while another GET is held. */
  async poll(): Promise<Response> {
    if (this.#queue.length > 0) return packets(this.take());
    if (this.isClosing) return this.#tellClose();
    if (this.#isDone) return refuse("unknownSession");
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  send(frame: Frame): void {
    if (this.#isDone) return;
    this.#queue.push(frame);
    this.bufferedAmount += frame.length;
    // Frames of one turn travel in one answer.
    if (this.isHeld && this.#queue.length === 1) queueMicrotask(() => this.#flush());
  }

  /** The last answer has no other packet: a stock client would take them for lost. */
  close(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.isClosing = true;
    if (this.isHeld && this.#queue.length === 0) this.#reply(this.#tellClose());
  }

  /** The client has closed: no packet is owed to it, and its GET ends. */
  closedByClient(): void {
    this.#isDone = true;
    this.take();
    this.#reply(packets([NOOP]));
  }

  /** Ends a held GET without a packet. */
  release(): void {
    this.#reply(packets([NOOP]));
  }

  /** The session goes on over a WebSocket. Answers with the packets that wait. */
  handOver(): readonly Frame[] {
    this.#isDone = true;
    this.reading?.abort();
    this.#reply(refuse("badRequest"));
    return this.take();
  }

  take(): readonly Frame[] {
    const frames = this.#queue;
    this.#queue = [];
    this.bufferedAmount = 0;
    return frames;
  }

  serializeAttachment(attachment: unknown): void {
    this.#attachment.serializeAttachment(attachment);
  }

  #tellClose(): Response {
    this.isClosing = false;
    return packets([CLOSE]);
  }

  #flush(): void {
    if (this.isHeld && this.#queue.length > 0) this.#reply(packets(this.take()));
  }

  #reply(answer: Response): void {
    this.#answer?.(answer);
    this.#answer = undefined;
  }
}
