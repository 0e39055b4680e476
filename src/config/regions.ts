import * as z from "zod";

/**
 * The location hints of Durable Objects (docs/platform.md P32). `auto` gives no hint, and the place of the
 * first caller decides.
 */
export const REGIONS = [
  "auto",
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const;
export type Region = (typeof REGIONS)[number];
export const regionSchema = z.enum(REGIONS);

/** The jurisdictions of Durable Objects that a cluster may be in (docs/platform.md P46). */
export const JURISDICTIONS = ["eu", "fedramp"] as const;
export type Jurisdiction = (typeof JURISDICTIONS)[number];

/** The regions of which at least a part lies in a jurisdiction; a hint elsewhere would mean nothing. */
const REGIONS_IN: Readonly<Record<Jurisdiction, readonly Region[]>> = {
  eu: ["auto", "weur", "eeur"],
  fedramp: ["auto", "wnam", "enam"],
};

/** The regions that a cluster may have shards in. */
export const regionsIn = (jurisdiction: Jurisdiction | undefined): readonly Region[] =>
  jurisdiction === undefined ? REGIONS : REGIONS_IN[jurisdiction];

/** A region with so many clients gets shards of its own, unless `scale.regionMin` says otherwise. */
export const REGION_MIN = 500;

/**
 * The regions that may get a first shard by themselves (SPEC EL48).
 *
 * The place of an `auto` shard is unknown, and is near its first client. There a region with many clients is where the
 * shards most probably are, so that it opens only where the operator has given a number of clients.
 */
export const regionsToOpen = (cluster: {
  readonly defaultRegion: string;
  readonly regionMin: number | undefined;
  readonly jurisdiction?: Jurisdiction | undefined;
}): readonly Region[] =>
  cluster.defaultRegion === "auto" && cluster.regionMin === undefined
    ? []
    : regionsIn(cluster.jurisdiction).filter((region) => region !== "auto");

/** The characters of a shard's id need no escape in a URL path, an object's name and a log line. */
export const shardIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "a shard id has 1 to 64 letters, digits, '.', '_' or '-'");
