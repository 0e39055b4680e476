import type { PollingPeer } from "./polling-peer.ts";

/** A client that has not come by then has gone, as a stock server has it. */
const LINGER_MS = 30_000;
const MOST_LEAVING = 1_000;

/** The last packets of polling sessions that the server has ended, for the next GET of each (SPEC SO20). */
export class Leaving {
  readonly #maxLength: number;
  readonly #peers = new Map<
    string,
    { readonly peer: PollingPeer; readonly timer: ReturnType<typeof setTimeout> }
  >();

  /** `maxLength`: of all packets together. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  find(sid: string): PollingPeer | undefined {
    return this.#peers.get(sid)?.peer;
  }

  /** The peer is closed after this. */
  add(sid: string, peer: PollingPeer): void {
    this.#peers.set(sid, { peer, timer: setTimeout(() => this.#peers.delete(sid), LINGER_MS) });
    let length = 0;
    for (const { peer } of this.#peers.values()) length += peer.bufferedAmount;
    for (const [oldest, { peer }] of this.#peers) {
      if (this.#peers.size <= MOST_LEAVING && length <= this.#maxLength) break;
      length -= peer.bufferedAmount;
      peer.take();
      this.delete(oldest);
    }
  }

  delete(sid: string): void {
    const leaving = this.#peers.get(sid);
    if (leaving !== undefined) clearTimeout(leaving.timer);
    this.#peers.delete(sid);
  }
}
