import { defineChannels } from "ringcast/channels";
import * as z from "zod";

const message = z.object({ text: z.string().max(2_000) });
export type Message = z.infer<typeof message>;

/** What may be published where: the cluster refuses everything else, and the page has the same types. */
export const channels = defineChannels({ "chat:*": message });
