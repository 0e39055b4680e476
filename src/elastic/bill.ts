import type { Usage } from "../contracts/usage.ts";
import { COSTS } from "./costs.ts";
import { bill, FRAMES_OF_A_REQUEST, GB_OF_AN_OBJECT, METERED, priceOf, type Billed } from "./prices.ts";

const MONTH_MS = 30 * 86_400_000;
/** The rate of a shorter time is no rate: one call would be a thousand a day. */
const SHORTEST_MS = 60_000;

/**
 * The time for which an object was awake, ms: an estimate, as no code can see when the platform stops to bill. It is
 * the time that handlers waited, and the time of the work that they did, by the table of costs.
 */
export const awakeMsOf = ({ awakeMs, upgrades, frames, calls, alarms, deliveries }: Usage): number =>
  awakeMs +
  upgrades * COSTS.upgrade +
  frames * COSTS.frame +
  (calls + alarms) * COSTS.call +
  deliveries * COSTS.delivery;

/** The quantities on the bill. The Worker counts nothing itself, so its own part is one request for each upgrade. */
export function billedOf(usage: Usage): Billed {
  const { calls, upgrades, alarms, frames, rowsRead, rowsWritten } = usage;
  return {
    workerRequests: upgrades,
    workerCpuMs: 0,
    objectRequests: calls + upgrades + alarms + frames / FRAMES_OF_A_REQUEST,
    objectGbSeconds: (awakeMsOf(usage) / 1_000) * GB_OF_AN_OBJECT,
    rowsRead,
    rowsWritten,
  };
}

/** The quantities of a month at the rate of a time, both in ms since 1970. */
export function monthOf(
  usage: Usage,
  { since, now }: { readonly since: number; readonly now: number },
): Billed {
  const months = Math.max(now - since, SHORTEST_MS) / MONTH_MS;
  return mapBilled((what) => billedOf(usage)[what] / months);
}

export const sumOf = (all: readonly Billed[]): Billed =>
  mapBilled((what) => all.reduce((sum, one) => sum + one[what], 0));

const mapBilled = (value: (what: keyof Billed) => number): Billed =>
  Object.fromEntries(METERED.map((what) => [what, value(what)])) as Billed;

/** The bill of a month, and the price without what the plan includes. */
export const billOfMonth = (billed: Billed): ReturnType<typeof bill> & { readonly listPrice: number } => ({
  ...bill(billed),
  listPrice: priceOf(billed),
});
