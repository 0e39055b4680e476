/** A log epoch is the time of its making, ms since 1970 in base 36, and 60 random bits (SPEC LG3). */
export const logEpochOf = ({ now, random }: { readonly now: number; readonly random: string }): string =>
  `${now.toString(36)}-${random}`;

const LOG_EPOCH = /^([0-9a-z]{8,11})-[0-9a-f]{16}$/;

/**
 * Whether a log epoch was made after another, as far as the clocks of their objects agree. False where a name does not
 * tell, as with release 0.2.0.
 */
export const isNewerEpoch = (one: string, other: string): boolean => madeAt(one) > madeAt(other);

/** NaN where the name does not tell. */
const madeAt = (logEpoch: string): number => Number.parseInt(LOG_EPOCH.exec(logEpoch)?.[1] ?? "", 36);
