import { logEpochOf } from "../../../../src/contracts/log-epoch.ts";

const START = 1_700_000_000_000;

/** A log epoch that was made after those of smaller numbers. */
export const epochOf = (number: number): string =>
  logEpochOf({ now: START + number, random: "0123456789abcdef" });

/** Log epochs, each made after the one before. */
export const [E, F, G] = [epochOf(1), epochOf(2), epochOf(3)];
