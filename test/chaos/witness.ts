import { setTimeout as sleep } from "node:timers/promises";
import type { Centrifuge } from "centrifuge";

const PAUSE_MS = 50;

/** A quiet client that asks its shard again and again, and notes how long each answer takes. */
export class Witness {
  readonly #client: Centrifuge;
  readonly #roundTrips: number[] = [];

  constructor(client: Centrifuge) {
    this.#client = client;
  }

  /** Asks while `isOn` says so. A question whose connection broke has no answer and is not counted. */
  async watch(isOn: () => boolean): Promise<void> {
    while (isOn()) {
      const asked = performance.now();
      try {
        await this.#client.rpc("witness", {});
      } catch (error) {
        // No such method: the server's answer is an error of the server (docs/protocol.md), and not of the connection.
        const { code = 0 } = error as { code?: number };
        if (code >= FIRST_SERVER_CODE) this.#roundTrips.push(performance.now() - asked);
      }
      await sleep(PAUSE_MS);
    }
  }

  get answers(): number {
    return this.#roundTrips.length;
  }

  /** The round trip that this part of all round trips stays under, in ms. */
  percentile(part: number): number {
    const sorted = this.#roundTrips.toSorted((a, b) => a - b);
    return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN);
  }
}

/** The client's own errors have codes below. */
const FIRST_SERVER_CODE = 100;
