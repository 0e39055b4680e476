import { z } from "zod";

/** A whole number within bounds. */
export const count = (least: number, most: number) => z.number().int().min(least).max(most);
