import type { Outcome } from "./history.ts";
import type { Trait } from "./traits.ts";

/** A part of a history: its traits, and its steps by their numbers. */
export type Part = { readonly keep: readonly number[]; readonly without: readonly Trait[] };

/** So many parts are tried at most. */
const TRIES_MOST = 600;

/**
 * The law that a violation breaks, as far as its text tells: the text without the names of channels and publications,
 * and without numbers.
 */
export const lawOf = (violation: string): string =>
  violation
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/gu, "#")
    .replaceAll(/\b(?:kept|short|delta|fleeting|many|ringcast):[\w-]+/gu, "channel")
    .replaceAll(/\d+/gu, "#");

/**
 * The shortest part of a history that breaks the same law (SPEC SM2): traits and steps go as long as it does. `run` runs
 * a part.
 */
export async function shrink(
  whole: { readonly outcome: Outcome; readonly steps: number },
  run: (part: Part) => Promise<Outcome>,
): Promise<Part> {
  const [first = ""] = whole.outcome.violations;
  const law = lawOf(first);
  let tries = 0;
  const breaks = async (part: Part): Promise<boolean> => {
    tries += 1;
    if (tries > TRIES_MOST) return false;
    try {
      const { violations } = await run(part);
      return violations.some((violation) => lawOf(violation) === law);
    } catch {
      // A step may need what a step that has gone has brought.
      return false;
    }
  };
  let best: Part = { keep: Array.from({ length: whole.steps }, (_, n) => n + 1), without: [] };
  for (const trait of whole.outcome.traits) {
    const part = { ...best, without: [...best.without, trait] };
    if (await breaks(part)) best = part;
  }
  /** Whether a part without some of the steps does. */
  const pass = async (size: number): Promise<boolean> => {
    const before = best.keep.length;
    for (let at = 0; at < best.keep.length;) {
      const part = { ...best, keep: best.keep.toSpliced(at, size) };
      if (await breaks(part)) best = part;
      else at += size;
    }
    return best.keep.length < before;
  };
  for (let size = best.keep.length >> 1; size > 1; size >>= 1) await pass(size);
  while (await pass(1));
  return best;
}
