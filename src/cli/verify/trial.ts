import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CostReport } from "../../contracts/cost.ts";
import type { Clients } from "../clients.ts";
import type { ClusterApi } from "../cluster-api.ts";
import { Failure } from "../failure.ts";
import type { Output } from "../output.ts";
import { costBetween } from "./cost.ts";
import type { Findings } from "./findings.ts";
import { judge, type Hearing } from "./judge.ts";
import { Listener, ListenerTimes } from "./listener.ts";
import { readLog } from "./logs.ts";
import { Publications } from "./publisher.ts";
import { BorrowedShard } from "./ring-change.ts";

export type TrialOptions = {
  readonly clients: number;
  readonly channels: number;
  /** The length of each of the two calm parts of the trial. */
  readonly seconds: number;
  /** The namespace of the channels; empty for channels without one. */
  readonly namespace: string;
  /** Whether the trial may add a shard and drain it again. */
  readonly changesRing: boolean;
  /** Ends the trial before its time. */
  readonly signal: AbortSignal;
};

type Configuration = { readonly settings: readonly { readonly name: string; readonly value: unknown }[] };

const CHANNELS_EACH = 2;
const BACK_ENDS = 2;
const PUBLISHING_CLIENTS = 2;
const PAUSE_MS = 100;
const CUTS = 3;
const CONNECT_MS = 60_000;
const CATCH_UP_MS = 60_000;

/**
 * One trial of a cluster: stock clients listen and publish, connections are cut, a shard comes and goes. In the end each
 * client must have heard each publication since it came, once and in order.
 *
 * Throws a {@link Failure} where the trial cannot be made. Leaves the ring as it was.
 */
export async function runTrial(
  { api, clients, output }: { readonly api: ClusterApi; readonly clients: Clients; readonly output: Output },
  options: TrialOptions,
): Promise<Findings> {
  const trial = new Trial({ api, clients, output }, options);
  try {
    return await trial.run();
  } finally {
    await trial.end();
  }
}

class Trial {
  readonly #api: ClusterApi;
  readonly #clients: Clients;
  readonly #output: Output;
  readonly #options: TrialOptions;
  readonly #name = `verify-${randomBytes(4).toString("hex")}`;
  readonly #channels: readonly string[];
  readonly #publications: Publications;
  readonly #times = new ListenerTimes();
  readonly #listeners: readonly Listener[];
  readonly #publishing: Promise<void>[] = [];
  readonly #publishingFailed = new AbortController();
  /** The reason why the trial ends before its time. */
  readonly #stopped: AbortSignal;
  #borrowed: BorrowedShard | undefined;

  constructor(
    {
      api,
      clients,
      output,
    }: { readonly api: ClusterApi; readonly clients: Clients; readonly output: Output },
    options: TrialOptions,
  ) {
    [this.#api, this.#clients, this.#output, this.#options] = [api, clients, output, options];
    this.#stopped = AbortSignal.any([options.signal, this.#publishingFailed.signal]);
    const prefix = options.namespace === "" ? "" : `${options.namespace}:`;
    this.#channels = Array.from({ length: options.channels }, (_, n) => `${prefix}${this.#name}-${n}`);
    this.#publications = new Publications(this.#channels);
    this.#listeners = Array.from({ length: options.clients }, (_, n) => this.#newListener(n));
  }

  async run(): Promise<Findings> {
    const startedAt = Date.now();
    const before = await this.#api.admin<CostReport>("GET", "/cost");
    const { shards } = await this.#api.state();
    await this.#requireStream();
    await this.#connect();
    this.#publish();
    this.#step(`Clients and back ends publish for ${this.#options.seconds} s`);
    await this.#calm();
    await this.#cutConnections();
    const ringChange = await this.#changeRing(shards.length);
    await this.#calm();
    this.#step("The trial waits until every client has heard every publication");
    await this.#finishPublishing();
    const hearings = this.#listeners.flatMap((listener) => listener.hearings());
    const logs = await this.#readLogs(hearings);
    const verdict = judge({
      acknowledged: this.#publications.acknowledged,
      logs: new Map(logs.map(({ channel, log }) => [channel, log])),
      keeps: new Map(logs.map(({ channel, keeps }) => [channel, keeps])),
      hearings,
    });
    const after = await this.#api.admin<CostReport>("GET", "/cost");
    const { overHttp, byClients, acknowledged, unanswered, repeatedRequests, clientsMayNot } =
      this.#publications;
    const sum = (count: (listener: Listener) => number): number =>
      this.#listeners.reduce((total, listener) => total + count(listener), 0);
    return {
      ok: Object.values(verdict).every((broken) => broken.length === 0),
      url: this.#api.url.origin,
      seconds: Math.round((Date.now() - startedAt) / 1_000),
      shards: shards.length,
      clients: this.#listeners.length,
      channels: this.#channels.length,
      clientsAre: this.#clients.areUsers ? "users" : "operators",
      ringChange,
      clientsMayNotPublish: clientsMayNot ?? null,
      acknowledged: [...acknowledged.values()].reduce((total, ids) => total + ids.length, 0),
      unanswered,
      repeatedRequests,
      deliveries: hearings.reduce((total, { heard }) => total + heard.length, 0),
      resumes: sum(({ resumes }) => resumes),
      notRecovered: hearings.reduce((total, { unrecovered }) => total + unrecovered.length, 0),
      moves: sum(({ moves }) => moves),
      verdict,
      times: {
        connect: this.#times.connect.summary(),
        "publish over HTTP": overHttp.summary(),
        "publish by a client": byClients.summary(),
        "publish to delivery": this.#times.delivery.summary(),
        "away after a cut": this.#times.awayAfterCut.summary(),
        "away after a move": this.#times.awayAfterMove.summary(),
      },
      cost: costBetween(before, after) ?? null,
    };
  }

  /** Ends everything that the trial has begun. */
  async end(): Promise<void> {
    this.#publications.end();
    for (const listener of this.#listeners) listener.close();
    await Promise.allSettled(this.#publishing);
    await this.#giveBack();
    // The trial's publications are of no use to anybody.
    await Promise.allSettled(
      this.#channels.map((channel) => this.#api.command("history_remove", { channel })),
    );
  }

  #newListener(n: number): Listener {
    const key = `${this.#name}-listener-${n}`;
    const channels = Array.from(
      { length: Math.min(CHANNELS_EACH, this.#channels.length) },
      (_, k) => this.#channels[(n + k) % this.#channels.length] ?? "",
    );
    const { sentAt } = this.#publications;
    return new Listener(key, this.#clients.create(key), { channels, times: this.#times, sentAt });
  }

  /** With `cache` a client that comes back gets the newest publication alone, and that is no fault. */
  async #requireStream(): Promise<void> {
    const { namespace } = this.#options;
    const mode = `RINGCAST_NS_${namespace === "" ? "DEFAULT" : namespace}.force_recovery_mode`;
    const { settings } = await this.#api.admin<Configuration>("GET", "/configuration");
    if (settings.some(({ name, value }) => name === mode && value === "cache"))
      throw new Failure(`${mode} is "cache", so that nothing can be proven; choose another --namespace`);
  }

  async #connect(): Promise<void> {
    this.#step(`${this.#listeners.length} clients connect`);
    for (const listener of this.#listeners) listener.connect();
    const isOver = (): boolean =>
      this.#listeners.every(({ isListening }) => isListening) ||
      this.#listeners.some(({ isRefused }) => isRefused);
    await this.#untilAtMost(CONNECT_MS, isOver);
    const late = this.#listeners.filter(({ isListening }) => !isListening);
    const [first] = late.toSorted((a, b) => Number(b.isRefused) - Number(a.isRefused));
    if (first !== undefined)
      throw new Failure(`${late.length} clients do not connect and subscribe: ${first.trouble}`);
    const unrecoverable = this.#listeners.find(
      (listener) => listener.unrecoverable !== undefined,
    )?.unrecoverable;
    if (unrecoverable !== undefined)
      throw new Failure(
        `${unrecoverable} cannot be resumed, so that nothing can be proven; choose a namespace that has ` +
          "history_size, history_ttl and force_recovery, with --namespace",
      );
  }

  #publish(): void {
    const start = (publishing: Promise<void>): void => {
      this.#publishing.push(publishing.catch((error: unknown) => this.#publishingFailed.abort(error)));
    };
    for (let n = 0; n < BACK_ENDS; n++)
      start(this.#publications.overHttpFrom(this.#api, `${this.#name}-http-${n}`, PAUSE_MS));
    if (!this.#clients.areUsers) return;
    for (let n = 0; n < PUBLISHING_CLIENTS; n++) {
      const name = `${this.#name}-client-${n}`;
      start(this.#publications.byClientOf(this.#clients.create(name), { name, pauseMs: PAUSE_MS }));
    }
  }

  async #cutConnections(): Promise<void> {
    for (let n = 0; n < CUTS; n++) {
      const cut = this.#listeners.filter((_, k) => k % CUTS === n);
      this.#step(`${cut.length} connections are cut without a word`);
      for (const listener of cut) listener.cut();
      await this.#calm(0.5);
    }
  }

  /** The reason why the ring was not changed, or what was done. */
  async #changeRing(shards: number): Promise<string> {
    if (!this.#options.changesRing) return "not tried";
    this.#step(`A shard joins the ${shards} that there are`);
    const shard = new BorrowedShard(this.#api);
    this.#borrowed = shard;
    try {
      await shard.add();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      await this.#giveBack();
      return `not tried: ${error.message}`;
    }
    await shard.joined(this.#stopped);
    await this.#calm();
    this.#step(`${shard.id} is drained, and leaves`);
    await this.#giveBack();
    return `${shard.id} joined and left`;
  }

  async #giveBack(): Promise<void> {
    await this.#borrowed?.giveBack();
    this.#borrowed = undefined;
  }

  async #finishPublishing(): Promise<void> {
    this.#publications.end();
    await Promise.all(this.#publishing);
    this.#stopped.throwIfAborted();
    // The newest publication of each channel: a repeated delivery of another would come before it.
    await Promise.all(
      this.#channels.map((channel) =>
        this.#publications.publishOverHttp(this.#api, channel, `last of ${channel}`),
      ),
    );
    const tops = new Map(
      await Promise.all(
        this.#channels.map(async (channel) => {
          const { offset } = await this.#api.command<{ offset: number }>("history", { channel, limit: 0 });
          return [channel, offset] as const;
        }),
      ),
    );
    // A client that stays behind is what the judge is for.
    await this.#untilAtMost(CATCH_UP_MS, () =>
      this.#listeners.every((listener) => [...tops].every(([channel, top]) => listener.at(channel) >= top)),
    );
  }

  #readLogs(hearings: readonly Hearing[]) {
    return Promise.all(
      this.#channels.map(async (channel) => {
        const offsets = this.#publications.offsets(channel);
        return { channel, ...(await readLog(this.#api, channel, { offsets, hearings })) };
      }),
    );
  }

  async #calm(part = 1): Promise<void> {
    await sleep(this.#options.seconds * part * 1_000, undefined, { signal: this.#stopped }).catch(() =>
      this.#stopped.throwIfAborted(),
    );
  }

  /** Waits until the condition is true, or the time is over. */
  async #untilAtMost(forMs: number, condition: () => boolean): Promise<void> {
    const end = Date.now() + forMs;
    while (!condition() && Date.now() < end) {
      this.#stopped.throwIfAborted();
      await sleep(50);
    }
  }

  #step(text: string): void {
    this.#output.step(text);
  }
}
