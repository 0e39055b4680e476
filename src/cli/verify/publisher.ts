import { setTimeout as sleep } from "node:timers/promises";
import type { StockClient } from "../clients.ts";
import type { ClusterApi } from "../cluster-api.ts";
import { Failure, Refusal } from "../failure.ts";
import { Times } from "../times.ts";

/** A back end repeats a request under its idempotency key for so long. */
const PATIENCE_MS = 60_000;
/** The error of a client that may not publish (Centrifuge's `permission denied`). */
const PERMISSION_DENIED = 103;
/** An error of the server has a code from here on; below are the errors of the SDK itself. */
const FIRST_SERVER_CODE = 100;

/** Publishes on and on, and notes what was acknowledged. */
export class Publications {
  readonly #channels: readonly string[];
  readonly #sentAt = new Map<string, number>();
  readonly #offsets = new Map<string, Map<number, string>>();
  readonly acknowledged: ReadonlyMap<string, string[]>;
  readonly overHttp = new Times();
  readonly byClients = new Times();
  unanswered = 0;
  repeatedRequests = 0;
  /** The reason why clients do not publish, where they may not. */
  clientsMayNot: string | undefined;
  #isOver = false;

  constructor(channels: readonly string[]) {
    this.#channels = channels;
    this.acknowledged = new Map(channels.map((channel) => [channel, []]));
  }

  get sentAt(): ReadonlyMap<string, number> {
    return this.#sentAt;
  }

  /** The ids of acknowledged publications by offset, as far as the answers said it. */
  offsets = (channel: string): ReadonlyMap<number, string> => this.#offsets.get(channel) ?? new Map();

  end(): void {
    this.#isOver = true;
  }

  /** A back end. A request without an answer is repeated, so its publication must be in the log once. */
  async overHttpFrom(api: ClusterApi, name: string, pauseMs: number): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      await this.publishOverHttp(api, this.#channelOf(n), `${name}-${n}`);
      await sleep(pauseMs);
    }
  }

  /** Throws a {@link Failure} where the cluster does not take the publication for a minute, or refuses it. */
  async publishOverHttp(api: ClusterApi, channel: string, id: string): Promise<void> {
    const begun = performance.now();
    this.#sentAt.set(id, begun);
    for (;;) {
      try {
        const { offset } = await api.command<{ offset?: number }>("publish", {
          channel,
          data: { id },
          idempotency_key: id,
        });
        this.overHttp.record(performance.now() - begun);
        return this.#acknowledge(channel, id, offset);
      } catch (error) {
        if (error instanceof Refusal || performance.now() - begun > PATIENCE_MS) throw error;
        this.repeatedRequests += 1;
        await sleep(250);
      }
    }
  }

  /** A stock client. A publication without an answer is not sent again, and may be in the log or not. */
  async byClientOf(
    client: StockClient,
    { name, pauseMs }: { readonly name: string; readonly pauseMs: number },
  ): Promise<void> {
    const subscriptions = new Map(
      this.#channels.map((channel) => [channel, client.newSubscription(channel)]),
    );
    // Many a namespace lets subscribers publish alone.
    for (const subscription of subscriptions.values()) subscription.subscribe();
    client.centrifuge.connect();
    for (let n = 0; !this.#isOver && this.clientsMayNot === undefined; n++) {
      const channel = this.#channelOf(n);
      const id = `${name}-${n}`;
      const begun = performance.now();
      this.#sentAt.set(id, begun);
      try {
        await subscriptions.get(channel)?.publish({ id });
        this.byClients.record(performance.now() - begun);
        this.#acknowledge(channel, id, undefined);
      } catch (error) {
        const { code = 0, message = "" } = error as { code?: number; message?: string };
        if (code === PERMISSION_DENIED) this.clientsMayNot = `${message} (${code})`;
        else if (code >= FIRST_SERVER_CODE && code !== 100)
          throw new Failure(`a client publishes: ${message} (${code})`);
        else this.unanswered += 1;
      }
      await sleep(pauseMs);
    }
    client.close();
  }

  #channelOf = (n: number): string => this.#channels[n % this.#channels.length] ?? "";

  #acknowledge(channel: string, id: string, offset: number | undefined): void {
    this.acknowledged.get(channel)?.push(id);
    if (offset === undefined || offset === 0) return;
    const offsets = this.#offsets.get(channel) ?? new Map<number, string>();
    this.#offsets.set(channel, offsets.set(offset, id));
  }
}
