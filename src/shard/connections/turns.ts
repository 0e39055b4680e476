const FRAMES_IN_A_ROW = 64;
const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/**
 * Lets every client be heard while one floods (SPEC BD23).
 *
 * The runtime reads a socket that always has a frame before it looks at any other. After many frames of one socket, or
 * of peers that ignore our close, the object takes no event for a moment, so that the runtime reads the other sockets.
 */
export class Turns {
  readonly #ctx: DurableObjectState;
  #last: WebSocket | undefined;
  #inARow = 0;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** A frame has come. `socket`: undefined where it is of a session that we have closed. */
  frame(socket: WebSocket | undefined): void {
    if (socket !== undefined && socket !== this.#last) {
      this.#last = socket;
      this.#inARow = 0;
    }
    this.#inARow += 1;
    if (this.#inARow % FRAMES_IN_A_ROW === 0) this.#ctx.waitUntil(this.#ctx.blockConcurrencyWhile(aMoment));
  }
}
