import type { Region } from "../config/regions.ts";

/** West of this the Americas' north is nearer to `wnam`: the middle of the continent. */
const NORTH_AMERICA_SPLIT = -100;
/** The Oder, more or less: Cloudflare's `weur` and `eeur` meet there. */
const EUROPE_SPLIT = 15;
/** West of it Asia is the Middle East. */
const MIDDLE_EAST_END = 60;

/** The region nearest to where a request came in, by the edge's own geolocation; `auto` where it has none. */
export function regionOf(cf: Readonly<Record<string, unknown>> | undefined): Region {
  const given = cf?.["longitude"];
  const longitude = given === undefined ? undefined : Number(given);
  switch (cf?.["continent"]) {
    case "NA":
      return (longitude ?? 0) < NORTH_AMERICA_SPLIT ? "wnam" : "enam";
    case "SA":
      return "sam";
    case "EU":
      return (longitude ?? 0) < EUROPE_SPLIT ? "weur" : "eeur";
    case "AS":
      return longitude !== undefined && longitude < MIDDLE_EAST_END ? "me" : "apac";
    case "OC":
      return "oc";
    case "AF":
      return "afr";
    default:
      return "auto";
  }
}
