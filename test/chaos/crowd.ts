import type { Centrifuge } from "centrifuge";
import { connect } from "./connect.ts";
import type { Server } from "./server.ts";

const SIZE = 60;
const STAYS_MS = 8_000;

/** Clients that come at once, so that the ring grows, and leave at once. Nobody judges what they hear. */
export class Crowd {
  readonly #server: Server;
  readonly #channels: readonly string[];
  readonly #present = new Set<Centrifuge>();
  #count = 0;

  constructor(server: Server, channels: readonly string[]) {
    this.#server = server;
    this.#channels = channels;
  }

  /** False where the crowd before is still there. */
  come(): boolean {
    if (this.#present.size > 0) return false;
    for (let n = 0; n < SIZE; n++) {
      const client = connect(this.#server, `crowd-${(this.#count += 1)}`);
      client.newSubscription(this.#channels[n % this.#channels.length] ?? "").subscribe();
      this.#present.add(client);
    }
    setTimeout(() => this.leave(), STAYS_MS).unref();
    return true;
  }

  leave(): void {
    for (const client of this.#present) client.disconnect();
    this.#present.clear();
  }
}
