import type { Usage } from "./usage.ts";

/** The usage since a time, ms since 1970, and the price of a month at this rate, as if the plan included nothing. */
export type CostLine = { readonly since: number; readonly usage: Usage; readonly dollarsAMonth: number };

/** An estimate of the cluster's bill. Dollars are US dollars. */
export type CostReport = {
  readonly prices: { readonly date: string; readonly source: string };
  readonly at: number;
  /** A shard over all of its fronts; null where it has never told its usage. `stale`: as it was at its last report. */
  readonly shards: readonly {
    readonly id: string;
    readonly region: string;
    readonly stale: boolean;
    readonly cost: CostLine | null;
  }[];
  /** The coordinator, and the broadcast channel with it. */
  readonly coordinator: CostLine;
  /** The channels of each namespace, as far as they have told a shard; "" is the one without a name. */
  readonly channels: readonly { readonly namespace: string; readonly cost: CostLine }[];
  /** One broadcast to all sessions that there are now. */
  readonly broadcast: {
    readonly requests: number;
    readonly rowsWritten: number;
    readonly awakeMs: number;
    readonly dollars: number;
  };
  /** The month at the present rate, with what the plan includes; `listPrice` is the price without that. */
  readonly month: Readonly<
    Record<
      | "plan"
      | "workerRequests"
      | "workerCpuMs"
      | "objectRequests"
      | "objectGbSeconds"
      | "rowsRead"
      | "rowsWritten"
      | "total"
      | "listPrice",
      number
    >
  >;
};
