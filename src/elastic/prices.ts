/** Cloudflare's prices of the paid plan, in US dollars. `included` is for each month and account. */
export const PRICES = {
  date: "2026-09",
  source: "developers.cloudflare.com/durable-objects/platform/pricing",
  planPerMonth: 5,
  workerRequests: { included: 10e6, each: 0.3e-6 },
  workerCpuMs: { included: 30e6, each: 0.02e-6 },
  /** Calls, alarms and upgrades; twenty frames from clients count as one. */
  objectRequests: { included: 1e6, each: 0.15e-6 },
  objectGbSeconds: { included: 400e3, each: 12.5e-6 },
  rowsRead: { included: 25e9, each: 0.001e-6 },
  rowsWritten: { included: 50e6, each: 1e-6 },
} as const;

export const GB_OF_AN_OBJECT = 0.128;
export const FRAMES_OF_A_REQUEST = 20;

export const METERED = [
  "workerRequests",
  "workerCpuMs",
  "objectRequests",
  "objectGbSeconds",
  "rowsRead",
  "rowsWritten",
] as const;
export type Metered = (typeof METERED)[number];
/** The items of a bill, as people read them. */
export const ITEM_NAMES = {
  plan: "plan",
  workerRequests: "requests to the Worker",
  workerCpuMs: "processor time of the Worker",
  objectRequests: "requests to objects",
  objectGbSeconds: "time that objects are awake, estimated",
  rowsRead: "rows read",
  rowsWritten: "rows written",
  total: "in all",
} as const satisfies Record<Metered | "plan" | "total", string>;
/** Quantities as the platform bills them. */
export type Billed = Readonly<Record<Metered, number>>;

/** The dollars for the use of one month, by item. */
export function bill(billed: Billed): Record<Metered | "plan" | "total", number> {
  const cost = (what: Metered) => Math.max(0, billed[what] - PRICES[what].included) * PRICES[what].each;
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

/** The dollars at the price of each unit, as if nothing were included. */
export const priceOf = (billed: Billed): number =>
  METERED.reduce((sum, what) => sum + billed[what] * PRICES[what].each, 0);
