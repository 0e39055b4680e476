import { setTimeout as sleep } from "node:timers/promises";
import { BROADCAST, LARGE } from "./channels.ts";
import { connect } from "./connect.ts";
import type { Server } from "./server.ts";

const BACK_ENDS = 2;
const LARGEST_BYTES = 1_000_000;
const LARGE_PAUSE_MS = 2_000;
/** Makes a publication so long that a patch is shorter. */
const PADDING = "so that what changed is less than what stayed; ".repeat(4);

export type PublishersParts = {
  readonly server: Server;
  readonly apiKey: string;
  readonly small: readonly string[];
  readonly random: () => number;
  readonly pauseMs: number;
  /** Counts an event of the run. */
  readonly count: (event: string) => void;
};

/** Stock clients and back ends that publish, and what the server has acknowledged. */
export class Publishers {
  /** The ids of the acknowledged publications, by channel. */
  readonly acknowledged: ReadonlyMap<string, string[]>;
  readonly acknowledgedAt = new Map<string, number>();
  readonly bytesOf = new Map<string, number>();
  readonly #parts: PublishersParts;
  #isOn = true;
  #bursts = 0;
  #running: Promise<void>[] = [];

  constructor(parts: PublishersParts) {
    this.#parts = parts;
    this.acknowledged = new Map([...parts.small, LARGE, BROADCAST].map((channel) => [channel, []]));
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  start(clients: number): void {
    this.#running = [
      ...Array.from({ length: clients }, (_, n) => this.#publish(n)),
      ...Array.from({ length: BACK_ENDS }, (_, n) => this.#publishOverHttp(n)),
      this.#publishLarge(),
    ];
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    await Promise.all(this.#running);
  }

  /**
   * Publishes over the server API, and sends a failed request again under the same idempotency key until the server
   * answers, so the log must have the publication once.
   */
  async publishOne(channel: string, id: string, text = PADDING): Promise<void> {
    const { server, apiKey, count } = this.#parts;
    this.bytesOf.set(id, text.length);
    const body = JSON.stringify({ channel, data: { id, text }, idempotency_key: id });
    for (let answered = false; !answered;) {
      try {
        const headers = { "x-api-key": apiKey };
        const response = await fetch(`${server.url}/api/publish`, { method: "POST", headers, body });
        answered = "result" in ((await response.json()) as object);
      } catch {
        // The server is down at the moment.
      }
      if (!answered) {
        count("repeated requests to the API");
        await sleep(100);
      }
    }
    this.#acknowledge(channel, id);
  }

  /** Publishes `count` at once, each of about so many bytes. */
  async burst(channel: string, { count, bytes }: { count: number; bytes: number }): Promise<void> {
    this.#bursts += 1;
    const text = PADDING.repeat(Math.ceil(bytes / PADDING.length));
    const burst = this.#bursts;
    await Promise.all(
      Array.from({ length: count }, (_, n) => this.publishOne(channel, `burst-${burst}-${n}`, text)),
    );
  }

  /** Publishes one after the other. An unanswered publication is not sent again; the log has it once or lacks it. */
  async #publish(n: number): Promise<void> {
    const { server, count, random, pauseMs } = this.#parts;
    const client = connect(server, `publisher-${n}`);
    for (let k = 0; this.#isOn; k++) {
      const channel = this.#pick();
      const id = `${n}-${k}`;
      try {
        await client.publish(channel, { id, text: PADDING });
        this.#acknowledge(channel, id);
      } catch {
        count("publications without an answer");
        await sleep(50);
      }
      await sleep(random() * pauseMs);
    }
    client.disconnect();
  }

  /** A back end: broadcasts and publishes in turn. */
  async #publishOverHttp(n: number): Promise<void> {
    const { random, pauseMs } = this.#parts;
    for (let k = 0; this.#isOn; k++) {
      const channel = k % 2 === 0 ? BROADCAST : this.#pick();
      await this.publishOne(channel, `http-${n}-${k}`);
      await sleep(random() * pauseMs * 2);
    }
  }

  async #publishLarge(): Promise<void> {
    const { random } = this.#parts;
    for (let k = 0; this.#isOn; k++) {
      const text = PADDING.repeat(Math.ceil((random() * LARGEST_BYTES) / PADDING.length));
      await this.publishOne(LARGE, `large-${k}`, text);
      await sleep(random() * LARGE_PAUSE_MS);
    }
  }

  #acknowledge(channel: string, id: string): void {
    this.acknowledged.get(channel)?.push(id);
    this.acknowledgedAt.set(id, Date.now());
  }

  #pick(): string {
    const { small, random } = this.#parts;
    return small[Math.floor(random() * small.length)] as string;
  }
}
