import * as z from "zod";

/** A whole number from `least` to `most`. */
export const count = (least: number, most: number) => z.number().int().min(least).max(most);
