import { setTimeout as sleep } from "node:timers/promises";
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { Clients, type StockClient } from "../clients.ts";
import { Failure } from "../failure.ts";
import { targetOf, wholeNumber, withCommonOptions, type Common, type Target } from "../options.ts";
import { tableOf } from "../output.ts";
import { Times } from "../times.ts";

type Options = Common & {
  readonly clients: number;
  readonly channels: number;
  readonly rate: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly namespace: string;
};

/** Clients that connect faster would measure limits: one address may connect 1,000 times in 10 s (SPEC AU12). */
const CONNECTS_A_SECOND = 90;
/** Publications of one request to the server API. */
const COMMANDS_OF_A_REQUEST = 100;
const TICK_MS = 100;
const CONNECT_MS = 60_000;

export function addLoad(program: Command): void {
  withCommonOptions(program.command("load").description("put load on a cluster, and show what it does to it"))
    .option("--clients <number>", "listening stock clients", wholeNumber(1, 10_000), 100)
    .option("--channels <number>", "channels; a client listens to one", wholeNumber(1, 1_000), 4)
    .option("--rate <number>", "publications a second, over all channels", wholeNumber(1, 10_000), 50)
    .option("--bytes <number>", "size of a publication", wholeNumber(1, 100_000), 128)
    .option("--seconds <number>", "how long", wholeNumber(1, 86_400), 30)
    .option("--namespace <name>", "the namespace of the channels", "")
    .action(run);
}

async function run(options: Options): Promise<void> {
  const target = targetOf(options);
  await target.api.state();
  const load = new Load(target, options);
  try {
    await load.connect();
    await load.publish();
    const result = load.result();
    target.output.result(result, () => textOf(result));
  } finally {
    load.end();
  }
}

type Result = ReturnType<Load["result"]>;

const subscriptionsOf = ({ centrifuge }: StockClient) => Object.values(centrifuge.subscriptions());
const isListening = (client: StockClient): boolean =>
  subscriptionsOf(client).every(({ state }) => state === "subscribed");
/** The cluster has refused the client or its subscription for good. */
const isRefused = (client: StockClient): boolean =>
  client.centrifuge.state === "disconnected" ||
  subscriptionsOf(client).some(({ state }) => state === "unsubscribed");

class Load {
  readonly #target: Target;
  readonly #options: Options;
  readonly #channels: readonly string[];
  readonly #clients: readonly ReturnType<Clients["create"]>[];
  readonly #times = { connect: new Times(), publish: new Times(), delivery: new Times() };
  #subscribed = 0;
  #published = 0;
  #refused = 0;
  /** Of the first publication that was refused. */
  #reason: string | undefined;
  #delivered = 0;
  #tookMs = 0;

  constructor(target: Target, options: Options) {
    this.#target = target;
    this.#options = options;
    const prefix = options.namespace === "" ? "" : `${options.namespace}:`;
    const name = `load-${randomBytes(4).toString("hex")}`;
    this.#channels = Array.from({ length: options.channels }, (_, n) => `${prefix}${name}-${n}`);
    const clients = new Clients(target.api, target.localTokenSecret);
    this.#clients = Array.from({ length: options.clients }, (_, n) => clients.create(`${name}-${n}`));
  }

  async connect(): Promise<void> {
    const { output } = this.#target;
    output.step(`${this.#clients.length} clients connect`);
    for (const [n, client] of this.#clients.entries()) {
      const subscription = client.newSubscription(this.#channels[n % this.#channels.length] ?? "");
      subscription.once("subscribed", () => void (this.#subscribed += 1));
      subscription.on("publication", ({ data }) => {
        this.#delivered += 1;
        this.#times.delivery.record(performance.now() - (data as { sentAt: number }).sentAt);
      });
      subscription.subscribe();
      const begun = performance.now();
      client.centrifuge.once("connected", () => this.#times.connect.record(performance.now() - begun));
      client.centrifuge.connect();
      if (n % CONNECTS_A_SECOND === CONNECTS_A_SECOND - 1) await sleep(1_000);
    }
    const end = Date.now() + CONNECT_MS;
    while (this.#subscribed < this.#clients.length) {
      const refused = this.#clients.find(isRefused);
      if (refused !== undefined || Date.now() > end) {
        const { trouble } = refused ?? this.#clients.find((client) => !isListening(client)) ?? {};
        throw new Failure(
          `${this.#clients.length - this.#subscribed} clients do not connect and subscribe: ${trouble ?? "no answer"}`,
        );
      }
      await sleep(50);
    }
  }

  /** Publishes at the rate that is asked for. A request that takes long delays no other. */
  async publish(): Promise<void> {
    const { seconds, rate } = this.#options;
    const { output } = this.#target;
    output.step(`${rate} publications a second for ${seconds} s`);
    const begun = performance.now();
    const open = new Set<Promise<void>>();
    let due = 0;
    let shownAt = begun;
    for (let now = begun; now - begun < seconds * 1_000; now = performance.now()) {
      const wanted = Math.floor(((now - begun) / 1_000) * rate);
      while (due < wanted) {
        const size = Math.min(COMMANDS_OF_A_REQUEST, wanted - due);
        const request = this.#publishSome(due, size).finally(() => open.delete(request));
        open.add(request);
        due += size;
      }
      if (now - shownAt >= 5_000) {
        shownAt = now;
        output.step(
          `${Math.round((now - begun) / 1_000)} s: ${this.#published} published, ${this.#delivered} delivered`,
        );
      }
      await sleep(TICK_MS);
    }
    await Promise.all(open);
    this.#tookMs = performance.now() - begun;
    // The newest publications are still on their way.
    for (let seen = -1; seen !== this.#delivered;) {
      seen = this.#delivered;
      await sleep(500);
    }
  }

  result() {
    const { clients, channels, rate, bytes } = this.#options;
    const seconds = this.#tookMs / 1_000;
    return {
      clients,
      channels,
      askedRate: rate,
      bytes,
      published: this.#published,
      refused: this.#refused,
      reason: this.#reason ?? null,
      delivered: this.#delivered,
      publishedASecond: Math.round(this.#published / seconds),
      deliveredASecond: Math.round(this.#delivered / seconds),
      times: {
        connect: this.#times.connect.summary(),
        publish: this.#times.publish.summary(),
        "publish to delivery": this.#times.delivery.summary(),
      },
    };
  }

  end(): void {
    for (const client of this.#clients) client.close();
  }

  async #publishSome(from: number, size: number): Promise<void> {
    const sentAt = performance.now();
    const padding = "x".repeat(this.#options.bytes);
    const commands = Array.from({ length: size }, (_, n) => ({
      publish: { channel: this.#channels[(from + n) % this.#channels.length], data: { sentAt, padding } },
    }));
    try {
      const { replies } = await this.#target.api.batch(commands);
      this.#times.publish.record(performance.now() - sentAt);
      const errors = replies.flatMap(({ error }) => error ?? []);
      this.#published += size - errors.length;
      this.#refused += errors.length;
      this.#reason ??= errors[0]?.message;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#refused += size;
      this.#reason ??= error.message;
    }
  }
}

function textOf({ times, ...counts }: Result): string {
  const rows = Object.entries(times).flatMap(([what, percentiles]) =>
    percentiles === undefined ? [] : [{ ms: what, ...percentiles }],
  );
  return [
    `${counts.clients} clients on ${counts.channels} channels`,
    `published ${counts.published} (${counts.publishedASecond} a second, asked ${counts.askedRate}), refused ${counts.refused}${counts.reason === null ? "" : `: ${counts.reason}`}`,
    `delivered ${counts.delivered} (${counts.deliveredASecond} a second)`,
    "",
    tableOf(rows),
  ].join("\n");
}
