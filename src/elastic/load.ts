/**
 * Each part of a shard's load is the part of a limit that is in use: 0 is idle, 1 is the limit. Rates are means over a
 * minute, as a deployment makes every client of a shard come back at once.
 */
export const LOAD_PARTS = ["sockets", "upgrades", "work", "queued"] as const;
export type LoadPart = (typeof LOAD_PARTS)[number];
export type LoadParts = Readonly<Record<LoadPart, number>>;

/** A shard's load, as it reports it. */
export type Load = {
  /** When the coordinator heard it, ms since 1970. */
  readonly at: number;
  readonly parts: LoadParts;
  /** Upgrades that the shard has refused for lack of room since the report before. */
  readonly refused: number;
  /** The sessions of this shard by the region of the client. */
  readonly clients: Readonly<Record<string, number>>;
};

export const NO_LOAD: LoadParts = { sockets: 0, upgrades: 0, work: 0, queued: 0 };

/** The part that is nearest to its limit. */
export function largestPart(parts: LoadParts): { readonly part: LoadPart; readonly value: number } {
  const part = LOAD_PARTS.reduce((most, one) => (parts[one] > parts[most] ? one : most));
  return { part, value: parts[part] };
}

export const sumOfParts = (loads: readonly LoadParts[]): LoadParts =>
  Object.fromEntries(
    LOAD_PARTS.map((part) => [part, loads.reduce((sum, load) => sum + load[part], 0)]),
  ) as LoadParts;
