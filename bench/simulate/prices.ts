/** Cloudflare's prices of the paid plan in September 2026, in US dollars. `included` is for each month. */
export const PRICES = {
  date: "2026-09",
  planPerMonth: 5,
  workerRequests: { included: 10e6, each: 0.3e-6 },
  workerCpuMs: { included: 30e6, each: 0.02e-6 },
  /** Calls, alarms and upgrades; twenty frames from clients count as one. */
  objectRequests: { included: 1e6, each: 0.15e-6 },
  objectGbSeconds: { included: 400e3, each: 12.5e-6 },
  rowsRead: { included: 25e9, each: 0.001e-6 },
  rowsWritten: { included: 50e6, each: 1e-6 },
} as const;

/**
 * A hosted service with a price for each unit. Our copy of its page is undated. Its later packages have prices by the
 * minute, and discounts for volume are not counted. A message counts once when it is published and once for each
 * client that hears it.
 */
export const ELSEWHERE = {
  name: "Ably",
  source: "ably.com/pricing/full-calculator (undated; $2.50 a million messages, $20 a thousand connections)",
  perMillionMessages: 2.5,
  perThousandConnections: 20,
} as const;

export const GB_OF_AN_OBJECT = 0.128;
export const FRAMES_OF_A_REQUEST = 20;

export type Usage = Readonly<Record<Metered, number>>;
type Metered =
  | "workerRequests"
  | "workerCpuMs"
  | "objectRequests"
  | "objectGbSeconds"
  | "rowsRead"
  | "rowsWritten";

/** The dollars for the use of one month, by item. */
export function bill(usage: Usage): Record<Metered | "plan" | "total", number> {
  const cost = (what: Metered) => Math.max(0, usage[what] - PRICES[what].included) * PRICES[what].each;
  const parts = {
    plan: PRICES.planPerMonth,
    workerRequests: cost("workerRequests"),
    workerCpuMs: cost("workerCpuMs"),
    objectRequests: cost("objectRequests"),
    objectGbSeconds: cost("objectGbSeconds"),
    rowsRead: cost("rowsRead"),
    rowsWritten: cost("rowsWritten"),
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}
