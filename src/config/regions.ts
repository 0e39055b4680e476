import { z } from "zod";

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

/** The characters of a shard's id need no escape in a URL path, an object's name and a log line. */
export const shardIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "a shard id has 1 to 64 letters, digits, '.', '_' or '-'");
