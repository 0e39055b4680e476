import type { ClusterConfig } from "../config/cluster.ts";
import type { ShardAddress } from "../contracts/address.ts";
import type { Delivered, Delivery } from "../contracts/orders.ts";
import { CONTRACT } from "../contracts/version.ts";
import { deliverAll } from "../fanout/fan-out.ts";
import { DIRECT_MAX } from "../fanout/tree.ts";
import { callAgain, isOverloaded, shardStub, within } from "../platform/calls.ts";
import { Failures } from "../platform/failures.ts";
import { logError } from "../platform/logger.ts";
import type { UntoldUsage } from "./untold-usage.ts";

type Pending = {
  readonly shard: ShardAddress;
  readonly delivery: Delivery;
  readonly resolve: (delivered: Delivered) => void;
  readonly reject: (error: Error) => void;
};

/** How long one delivery is tried again; then its lane rests until the alarm. */
const RETRY_MS = 30_000;
const FIRST_PAUSE_MS = 50;

/**
 * Brings deliveries to shards. The same events for more than 32 shards in one turn go down a tree of shards; each shard
 * keeps its own place in the log and its own answer, however the events came to it.
 */
export class Deliveries {
  readonly #env: RingcastEnv;
  readonly #timeoutMs: number;
  readonly #listeners: { readonly size: number };
  readonly #failures: Failures;
  readonly #usage: Pick<UntoldUsage, "tell"> | undefined;
  #pending: Pending[] = [];

  /** `listeners`: how many shards listen at the time of a delivery. */
  constructor(
    env: RingcastEnv,
    listeners: { readonly size: number },
    {
      times,
      failures,
      usage,
    }: {
      readonly times: Pick<ClusterConfig["times"], "deliveryTimeoutMs">;
      readonly failures: Failures | undefined;
      readonly usage: UntoldUsage | undefined;
    },
  ) {
    this.#env = env;
    this.#listeners = listeners;
    this.#timeoutMs = times.deliveryTimeoutMs;
    this.#failures = failures ?? new Failures();
    this.#usage = usage;
  }

  /**
   * Sends, and sends again for half a minute. Rejects where no answer came, and at once where the shard is overloaded.
   * The shard may have been reached all the same, so a further try says that it may be a repetition.
   */
  async send(shard: ShardAddress, delivery: Delivery): Promise<Delivered> {
    const first = { ...delivery, ...this.#usage?.tell(Date.now()) };
    try {
      return await (this.#listeners.size > DIRECT_MAX
        ? this.#sendInCompany(shard, first)
        : this.#sendAlone(shard, first));
    } catch (error) {
      if (isOverloaded(error)) throw error;
      const again = toRepeat(shard, delivery);
      if (again.entries.length === 0) return { kind: "delivered", sessions: 0 };
      await scheduler.wait(FIRST_PAUSE_MS * (1 + Math.random()));
      return callAgain(() => this.#sendAlone(shard, again), RETRY_MS);
    }
  }

  /** Async: a shard without a binding is an error of its own delivery. */
  async #sendAlone(shard: ShardAddress, delivery: Delivery): Promise<Delivered> {
    const failed = this.#failures.hasNews ? this.#failures.take(Date.now()) : undefined;
    const told = failed === undefined ? delivery : { ...delivery, failed };
    try {
      return await within(this.#timeoutMs, shardStub(this.#env, shard).deliver(told, CONTRACT));
    } catch (error) {
      this.#failures.putBack(failed);
      this.#failures.note(shard, error);
      throw error;
    }
  }

  #sendInCompany(shard: ShardAddress, delivery: Delivery): Promise<Delivered> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ shard, delivery, resolve, reject });
      if (this.#pending.length === 1) queueMicrotask(() => this.#sendPending());
    });
  }

  #sendPending(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const group of groupEqual(pending)) {
      if (group.length > DIRECT_MAX) void this.#sendTogether(group);
      else
        for (const { shard, delivery, resolve, reject } of group)
          this.#sendAlone(shard, delivery).then(resolve, reject);
    }
  }

  async #sendTogether(group: readonly Pending[]): Promise<void> {
    const [first] = group;
    if (first === undefined) return;
    const { registration: _number, mayRepeat: _may, usage: _usage, ...delivery } = first.delivery;
    const targets = group.map(({ shard, delivery: { registration, mayRepeat, usage } }) => ({
      ...shard,
      registration,
      mayRepeat,
      ...(usage === undefined ? {} : { usage }),
    }));
    const { outcomes } = await deliverAll(this.#env, { kind: "deliver", delivery }, targets, this.#timeoutMs);
    for (const [n, { shard, resolve, reject }] of group.entries()) {
      const done = outcomes[n]?.done ?? null;
      // The shard's lane tries again, alone.
      if (done === null) reject(new Error(`shard ${shard.id} was not reached down the tree`));
      else resolve(done);
    }
  }
}

/**
 * The part of a delivery that may be sent again. A shard knows a publication by its offset; of a join, a leave or a
 * publication that is not kept it would tell its clients twice (SPEC BD61).
 */
function toRepeat(shard: ShardAddress, delivery: Delivery): Delivery {
  const entries = delivery.entries.filter(({ kind }) => kind === "pub" || kind === "cleared");
  const left = delivery.entries.length - entries.length;
  if (left > 0)
    logError("events without an offset may not have reached a shard, and are not sent again", {
      channel: delivery.channel,
      shard: shard.id,
      events: left,
    });
  return { ...delivery, entries, mayRepeat: true };
}

/** Groups of deliveries that differ in nothing but their shards. */
function groupEqual(pending: readonly Pending[]): Pending[][] {
  const groups: Pending[][] = [];
  for (const one of pending) {
    const group = groups.find(
      ([first]) => first !== undefined && hasSameEvents(first.delivery, one.delivery),
    );
    if (group === undefined) groups.push([one]);
    else group.push(one);
  }
  return groups;
}

const hasSameEvents = (one: Delivery, other: Delivery): boolean =>
  one.logEpoch === other.logEpoch &&
  one.since === other.since &&
  one.entries.length === other.entries.length &&
  one.entries.every((event, n) => event === other.entries[n]);
