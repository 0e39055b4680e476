export const BROADCAST = "ringcast:broadcast";
/** A channel without history. */
export const FLEETING = "fleeting:e";
/** The channels of a history besides the broadcast channel. */
export const CHANNELS = ["kept:a", "kept:b", "short:c", "delta:d", FLEETING] as const;

/** A channel to which back ends alone subscribe clients, where a history has orders. */
export const ORDERED = "kept:o";

/** The object that keeps the log of a channel. */
export const objectOf = (channel: string): string =>
  channel === BROADCAST ? "COORDINATOR coordinator" : `CHANNEL ${channel}`;
