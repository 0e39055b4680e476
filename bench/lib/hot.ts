/** How the publications of a shard get to one object: to the bare one, or to our channel. */
export type HotWay = "bare" | "one by one" | "combined";

/** The work of the publishers of one shard. */
export type HotOrder = {
  readonly way: HotWay;
  readonly publishers: number;
  readonly ms: number;
  readonly payloadBytes: number;
};
