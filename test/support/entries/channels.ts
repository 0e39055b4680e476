import { z } from "zod";
import { defineChannels } from "../../../src/typed/channels.ts";

export const channels = defineChannels({ "chat:*": z.object({ text: z.string() }) });
