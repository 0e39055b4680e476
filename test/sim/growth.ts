import { isJudged } from "./traits.ts";

/** The average cost of a quarter of a year: stored at night, and done in a day. */
export type Quarter = Stored & {
  readonly alarmsADay: number;
  readonly callsADay: number;
};

export type Stored = {
  /** The mean of the shards of the ring, without what a number bounds. A shard that has left keeps its last ring for ever. */
  readonly shardBytes: number;
  /** Channels that store something, and the rows of all of them. */
  readonly channels: number;
  readonly channelRows: number;
  /** Without the tables that a number bounds (SPEC BD54): a cluster that lives for years has not reached it. */
  readonly coordinatorRows: number;
};

/** The measures that must stay level. */
const MEASURES = [
  "shardBytes",
  ...(isJudged("channels") ? (["channels", "channelRows"] as const) : []),
  ...(isJudged("coordinator") ? (["coordinatorRows"] as const) : []),
  "alarmsADay",
  "callsADay",
] as const;

/** How much a later quarter may have more than the second: the load of each day is random. */
const NOISE = 1.2;

/** The measures that grow from the second quarter to a later one; the memory of weeks comes to its level in the first. */
export function growthOf(quarters: readonly Quarter[]): string[] {
  const [, level, ...later] = quarters;
  const last = later.at(-1);
  if (level === undefined || last === undefined) return [];
  return MEASURES.filter((measure) => last[measure] > level[measure] * NOISE + 1).map(
    (measure) =>
      `${measure}: ${level[measure].toFixed(1)} in the second quarter, ${last[measure].toFixed(1)} in the last`,
  );
}
