/** The usage of an object, in the units of the platform's bill (src/elastic/prices.ts). */
export const USAGE_FIELDS = [
  /** Calls of other objects and of the router. */
  "calls",
  /** Connections that the router has brought. */
  "upgrades",
  /** Frames from clients; the platform counts several as one request. */
  "frames",
  "alarms",
  "rowsRead",
  "rowsWritten",
  /** Publications and messages handed to sessions: free, and they take time. */
  "deliveries",
  /** Time in which a handler waited, by a clock that stands still while code runs (docs/platform.md P26). */
  "awakeMs",
] as const;
export type UsageField = (typeof USAGE_FIELDS)[number];
export type Usage = Readonly<Record<UsageField, number>>;

export const NO_USAGE: Usage = {
  calls: 0,
  upgrades: 0,
  frames: 0,
  alarms: 0,
  rowsRead: 0,
  rowsWritten: 0,
  deliveries: 0,
  awakeMs: 0,
};

/** Written out, because every delivery adds. */
export const addUsage = (some: Usage, more: Usage): Usage => ({
  calls: some.calls + more.calls,
  upgrades: some.upgrades + more.upgrades,
  frames: some.frames + more.frames,
  alarms: some.alarms + more.alarms,
  rowsRead: some.rowsRead + more.rowsRead,
  rowsWritten: some.rowsWritten + more.rowsWritten,
  deliveries: some.deliveries + more.deliveries,
  awakeMs: some.awakeMs + more.awakeMs,
});

export const isUnused = (usage: Usage): boolean => USAGE_FIELDS.every((field) => usage[field] === 0);

/**
 * The usage of an object since a time, ms since 1970: a day, or up to two, and longer after a long sleep. `channels`: of
 * the channels that have told the object, by namespace; "" is the one without a name.
 */
export type UsageReport = {
  readonly since: number;
  readonly own: Usage;
  readonly channels: Readonly<Record<string, Usage>>;
};
