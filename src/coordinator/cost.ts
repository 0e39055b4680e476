import { addressKey } from "../contracts/address.ts";
import type { CostLine, CostReport } from "../contracts/cost.ts";
import type { ShardStatus } from "../contracts/shard.ts";
import { addUsage, NO_USAGE, type Usage, type UsageReport } from "../contracts/usage.ts";
import { CONTRACT } from "../contracts/version.ts";
import { awakeMsOf, billedOf, billOfMonth, monthOf, sumOf } from "../elastic/bill.ts";
import { priceOf, PRICES, type Billed } from "../elastic/prices.ts";
import { askAll } from "../fanout/ask-all.ts";
import { idsOf, type Members } from "./members.ts";
import type { Store } from "./store.ts";

/** The row of a publication, and its removal (docs/operate/cost.md). */
const ROWS_OF_A_BROADCAST = 2;

type Rated = { readonly line: CostLine; readonly month: Billed };

/** Estimates the bill from what the objects have counted (SPEC EL54). A shard that is silent shows its last report. */
export async function askCost(
  env: RingcastEnv,
  parts: {
    readonly store: Store;
    readonly members: Members;
    readonly waitMs: number;
    /** The coordinator's own. */
    readonly usage: { report(now: number): UsageReport };
  },
): Promise<CostReport> {
  const { store, members, waitMs } = parts;
  const holders = members.holders();
  const { answers } = await askAll(env, holders, { waitMs, ask: (stub) => stub.status(CONTRACT) });
  const now = Date.now();
  const statusOf = (object: (typeof holders)[number]): ShardStatus | undefined =>
    answers.get(addressKey(object)) ?? store.lastReport(object)?.status;
  const channels = new Map<string, Rated>();
  const shards = idsOf(holders).map((id) => {
    const objects = holders.filter((one) => one.id === id);
    const rated = objects.reduce<Rated | undefined>((sum, object) => {
      const usage = statusOf(object)?.usage;
      if (usage === undefined) return sum;
      for (const [namespace, used] of Object.entries(usage.channels))
        channels.set(namespace, addRated(channels.get(namespace), rate(used, { since: usage.since, now })));
      return addRated(sum, rate(usage.own, { since: usage.since, now }));
    }, undefined);
    const stale = !objects.every((object) => answers.has(addressKey(object)));
    return { id, region: objects[0]?.region ?? "", stale, rated };
  });
  const sessions = holders.reduce((sum, object) => sum + (statusOf(object)?.sessions ?? 0), 0);
  const { own, since } = parts.usage.report(now);
  const coordinator = rate(own, { since, now });
  const all = [...shards.flatMap(({ rated }) => rated ?? []), ...channels.values(), coordinator];
  return {
    prices: { date: PRICES.date, source: PRICES.source },
    at: now,
    shards: shards.map(({ rated, ...shard }) => ({ ...shard, cost: rated?.line ?? null })),
    coordinator: coordinator.line,
    channels: [...channels].map(([namespace, { line }]) => ({ namespace, cost: line })),
    broadcast: priceOfBroadcast(holders.length, sessions),
    month: billOfMonth(sumOf(all.map(({ month }) => month))),
  };
}

function rate(usage: Usage, time: { readonly since: number; readonly now: number }): Rated {
  const month = monthOf(usage, time);
  return { line: { since: time.since, usage, dollarsAMonth: priceOf(month) }, month };
}

function addRated(some: Rated | undefined, more: Rated): Rated {
  if (some === undefined) return more;
  const line = {
    since: Math.min(some.line.since, more.line.since),
    usage: addUsage(some.line.usage, more.line.usage),
    dollarsAMonth: some.line.dollarsAMonth + more.line.dollarsAMonth,
  };
  return { line, month: sumOf([some.month, more.month]) };
}

/** The call to the coordinator, one to each shard's object, and the work of these. */
function priceOfBroadcast(objects: number, sessions: number): CostReport["broadcast"] {
  const usage = {
    ...NO_USAGE,
    calls: 1 + objects,
    rowsWritten: ROWS_OF_A_BROADCAST,
    deliveries: sessions,
  };
  const billed = billedOf(usage);
  return {
    requests: billed.objectRequests,
    rowsWritten: usage.rowsWritten,
    awakeMs: awakeMsOf(usage),
    dollars: priceOf(billed),
  };
}
