import type { Config } from "../../config/config.ts";
import type { Registration } from "../../contracts/log.ts";
import type { Usage, UsageReport } from "../../contracts/usage.ts";
import { UsageLedger } from "../../platform/usage-ledger.ts";
import type { UsageMeter } from "../../platform/usage-meter.ts";
import { namespaceOf, parseChannel } from "../../policy/channels.ts";
import type { Counters } from "./counters.ts";

/** The usage of a shard, and of the channels that have told it theirs, by namespace (SPEC EL50, EL52). */
export class ShardUsage {
  readonly ledger: UsageLedger;
  readonly #config: Config;

  constructor(parts: {
    readonly config: Config;
    readonly counters: Pick<Counters, "work">;
    readonly meter: UsageMeter;
  }) {
    const { config, counters, meter } = parts;
    this.#config = config;
    let counted = 0;
    const take = (now: number): Usage => {
      const { delivery } = counters.work;
      const deliveries = delivery - counted;
      counted = delivery;
      return { ...meter.take(now), deliveries };
    };
    this.ledger = new UsageLedger({ take }, Date.now());
  }

  /** A namespace that is not configured has no entry: the entries are as many as the namespaces. */
  hear(channel: string, usage: Usage | undefined): void {
    if (usage === undefined) return;
    const parsed = parseChannel(channel, Infinity);
    if (!parsed.ok || namespaceOf(this.#config, parsed.channel) === undefined) return;
    this.ledger.hear(parsed.channel.namespace ?? "", usage);
  }

  /** Hears of the usage that comes with the answer of a channel. */
  async hearAnswer(channel: string, asked: Promise<Registration | null>): Promise<Registration | null> {
    const answer = await asked;
    this.hear(channel, answer?.usage);
    return answer;
  }

  report(): UsageReport {
    return this.ledger.report(Date.now());
  }
}
