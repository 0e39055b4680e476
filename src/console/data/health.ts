import { computed, signal } from "@preact/signals";
import type { Pulse } from "../../contracts/live.ts";
import { addCodes, NO_CODES, type CodeTotals } from "../model/code-counts.ts";
import { allPulses, tick } from "./pulses.ts";

/** Codes of closes, errors and refusals since the page has begun to listen. */
export const codeTotals = signal<CodeTotals>(NO_CODES);
/** ms since 1970; 0 before the first pulse. */
export const countedSince = signal(0);

export function recordCodes(told: Pick<Pulse, "codes">): void {
  if (countedSince.value === 0) countedSince.value = Date.now();
  codeTotals.value = addCodes(codeTotals.value, told);
}

/** Events that wait for hooks and the webhook, on each shard that has any, the most first. */
export const eventQueues = computed(() => {
  void tick.value;
  const sums = new Map<string, { waiting: number; dropped: number }>();
  for (const { pulse } of allPulses()) {
    if (pulse.events === undefined) continue;
    const known = sums.get(pulse.shard) ?? { waiting: 0, dropped: 0 };
    known.waiting += pulse.events.waiting;
    known.dropped += pulse.events.dropped;
    sums.set(pulse.shard, known);
  }
  return [...sums].map(([shard, counts]) => ({ shard, ...counts })).toSorted((a, b) => b.waiting - a.waiting);
});

export function clearHealth(): void {
  codeTotals.value = NO_CODES;
  countedSince.value = 0;
}
