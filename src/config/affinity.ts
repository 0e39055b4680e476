import * as z from "zod";

/** The sources of a connection's key. A key places a connection and never identifies its user (SPEC AU7). */
const AFFINITY_SOURCES = ["key", "token", "path", "cookie", "ip"] as const;

export const affinitySchema = z
  .strictObject({
    // The router takes the key from the first of these sources that the request has.
    order: z.array(z.enum(AFFINITY_SOURCES)).default(["key", "token"]),
    // The cookie that has the key, where `cookie` is in the order.
    cookie: z.string().min(1).default("ringcast_key"),
    // Refuses a connection whose verified user differs from its key (3507). Ring mode then reaches every session.
    userIsKey: z.boolean().default(false),
  })
  .prefault({});
