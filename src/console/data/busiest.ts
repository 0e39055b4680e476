import { computed } from "@preact/signals";
import type { Pulse } from "../../contracts/live.ts";
import { addBusyPulse, busiestOf, type BusyPulse } from "../model/busiest.ts";
import { tick } from "./pulses.ts";

/** The busiest channels, from the pulses of the last seconds. Times are ms of `performance.now()`. */

let pulses: readonly BusyPulse[] = [];
let since = 0;

export function recordBusy({ shard, front, busiest: counts = [] }: Pulse, at: number): void {
  if (since === 0) since = at;
  pulses = addBusyPulse(pulses, { at, shard: `${shard} ${front ?? ""}`, busiest: counts });
}

export const busiest = computed(() => {
  void tick.value;
  return busiestOf(pulses, { now: performance.now(), since });
});

export function clearBusy(): void {
  pulses = [];
  since = 0;
}
