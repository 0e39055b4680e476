import { z } from "zod";

/** Where a Durable Object can be asked to live; `auto` asks for nothing, so the first caller decides. */
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

/** Letters, digits, dot, underscore and dash: safe in a URL path, an object name and a log line. */
export const shardIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "a shard id has 1 to 64 letters, digits, '.', '_' or '-'");
