import { setTimeout as sleep } from "node:timers/promises";
import { BROADCAST, LARGE } from "./channels.ts";
import { connect } from "./connect.ts";
import type { Server } from "./server.ts";

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
  readonly backEnds: number;
  /** So many publications are in one request of a back end. */
  readonly batch: number;
  /** Counts an event of the run. */
  readonly count: (event: string) => void;
};

type Item = { readonly channel: string; readonly id: string };

/** Stock clients and back ends that publish, and what the server has acknowledged. */
export class Publishers {
  /** The ids of the acknowledged publications, by channel. */
  readonly acknowledged: ReadonlyMap<string, string[]>;
  readonly acknowledgedAt = new Map<string, number>();
  readonly bytesOf = new Map<string, number>();
  readonly #parts: PublishersParts;
  #isOn = true;
  #bursts = 0;
  #silence = Promise.resolve();
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
      ...Array.from({ length: this.#parts.backEnds }, (_, n) => this.#publishOverHttp(n)),
      this.#publishLarge(),
    ];
  }

  /** No publisher begins a publication while `act` goes on, so that objects may sleep. */
  async quietly<T>(act: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#silence = Promise.all([this.#silence, promise]).then(() => undefined);
    try {
      return await act();
    } finally {
      resolve();
    }
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
    await this.#publishAll([{ channel, id }], text);
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
      await this.#silence;
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

  /** A back end: it broadcasts in every second request, or once in each that has several publications. */
  async #publishOverHttp(n: number): Promise<void> {
    const { random, pauseMs, batch } = this.#parts;
    for (let k = 0; this.#isOn; k++) {
      await this.#silence;
      const items = Array.from({ length: batch }, (_, m) => ({
        channel: m === 0 && (batch > 1 || k % 2 === 0) ? BROADCAST : this.#pick(),
        id: `http-${n}-${k}-${m}`,
      }));
      await this.#publishAll(items, PADDING);
      await sleep(random() * pauseMs * 2);
    }
  }

  /** Publishes in one request, and sends again what the server has not taken. */
  async #publishAll(items: readonly Item[], text: string): Promise<void> {
    const { server, apiKey, count } = this.#parts;
    for (const { id } of items) this.bytesOf.set(id, text.length);
    const headers = { "x-api-key": apiKey };
    for (let open = items; open.length > 0;) {
      const commands = open.map(({ channel, id }) => ({
        publish: { channel, data: { id, text }, idempotency_key: id },
      }));
      const body = JSON.stringify({ commands });
      let replies: readonly object[] = [];
      try {
        const response = await fetch(`${server.url}/api/batch`, { method: "POST", headers, body });
        ({ replies = [] } = (await response.json()) as { replies?: readonly object[] });
      } catch {
        // The server is down at the moment.
      }
      const isTaken = (n: number): boolean => "publish" in (replies[n] ?? {});
      for (const [n, { channel, id }] of open.entries()) if (isTaken(n)) this.#acknowledge(channel, id);
      open = open.filter((_, n) => !isTaken(n));
      if (open.length > 0) {
        count("repeated requests to the API");
        await sleep(100);
      }
    }
  }

  async #publishLarge(): Promise<void> {
    const { random } = this.#parts;
    for (let k = 0; this.#isOn; k++) {
      await this.#silence;
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
