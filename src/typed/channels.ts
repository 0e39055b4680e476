import type { ChannelSchemas } from "./types.ts";

export type { ChannelSchemas, DataOf, DataOfAll } from "./types.ts";

/**
 * Names the data of channels by patterns, `*` for any text: `defineChannels({ "chat:*": schema })`. The first pattern
 * that a channel's name fits decides; a channel without one takes any JSON (SPEC PK10).
 */
export const defineChannels = <const Schemas extends ChannelSchemas>(schemas: Schemas): Schemas => schemas;
