import { tableOf } from "../output.ts";
import type { Percentiles } from "../times.ts";
import type { RunCost } from "./cost.ts";
import type { Verdict } from "./judge.ts";

/** Everything that a trial has found. Times are in ms. */
export type Findings = {
  /** Nothing was lost, repeated or out of order. */
  readonly ok: boolean;
  readonly url: string;
  readonly seconds: number;
  readonly shards: number;
  readonly clients: number;
  readonly channels: number;
  readonly clientsAre: "users" | "operators";
  readonly ringChange: string;
  /** Why clients do not publish, where the namespace does not let them. */
  readonly clientsMayNotPublish: string | null;
  readonly acknowledged: number;
  /** Publications of clients without an answer. Each may have happened or not. */
  readonly unanswered: number;
  readonly repeatedRequests: number;
  readonly deliveries: number;
  readonly resumes: number;
  readonly notRecovered: number;
  readonly moves: number;
  readonly verdict: Verdict;
  readonly times: Readonly<Record<string, Percentiles | undefined>>;
  readonly cost: RunCost | null;
};

/** The most faults that are shown one by one. */
const SHOWN_FAULTS = 20;

/** The findings on one page. */
export function pageOf(findings: Findings): string {
  const { verdict, times, cost } = findings;
  const rows = Object.entries(times).flatMap(([what, percentiles]) =>
    percentiles === undefined ? [] : [{ ms: what, ...percentiles }],
  );
  const faults = Object.values(verdict).flat();
  return [
    `${findings.url}, ${findings.shards} shards: ${findings.clients} stock clients on ${findings.channels} channels for ${findings.seconds} s`,
    "",
    tableOf(
      [
        ["lost", verdict.lost.length],
        ["repeated", verdict.repeated.length],
        ["out of order", verdict.outOfOrder.length],
        ["resumes refused without need", verdict.unjustified.length],
      ].map(([what, count]) => ({ faults: String(what), "": Number(count) })),
    ),
    "",
    tableOf(
      [
        ["publications acknowledged", findings.acknowledged],
        ["deliveries", findings.deliveries],
        ["resumes after a loss of the connection", findings.resumes],
        ["resumes that came too late for the history", findings.notRecovered],
        ["moves to another shard", findings.moves],
        ["publications of clients without an answer", findings.unanswered],
        ["requests that were repeated", findings.repeatedRequests],
      ].map(([what, count]) => ({ counts: String(what), "": Number(count) })),
    ),
    "",
    tableOf(rows),
    "",
    `The ring: ${findings.ringChange}.`,
    ...remarksOf(findings),
    cost === null
      ? "The cost is not known: the counts of the cluster began anew meanwhile."
      : `The cluster used ${dollars(cost.dollars)} meanwhile, others included (its own estimate, list prices of ${cost.prices}).`,
    "",
    ...faults.slice(0, SHOWN_FAULTS).map((fault) => `✗ ${fault}`),
    ...(faults.length > SHOWN_FAULTS ? [`and ${faults.length - SHOWN_FAULTS} more`] : []),
    findings.ok
      ? "✓ Nothing was lost, repeated or out of order."
      : `✗ ${faults.length} faults. Please report them with this page.`,
  ].join("\n");
}

function remarksOf({ clientsAre, clientsMayNotPublish }: Findings): string[] {
  if (clientsAre === "operators")
    return [
      "The clients connected as operators, who only listen: with --token-secret they are users, and publish too.",
    ];
  return clientsMayNotPublish === null
    ? []
    : [`The clients only listened: the namespace does not let them publish, ${clientsMayNotPublish}.`];
}

const dollars = (amount: number): string => `$${amount.toFixed(amount < 0.01 ? 5 : 2)}`;
