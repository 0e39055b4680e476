/** What the demonstrations print: on a terminal with a line that counts, in a pipe one line for each step. */

let failed = 0;

export function say(text: string): void {
  console.log(`  ${text}`);
}

export function check(condition: string, holds: boolean): void {
  if (!holds) failed += 1;
  console.log(`  ${holds ? "✓" : "✗"} ${condition}`);
}

/** Checks that did not hold so far. */
export const failures = (): number => failed;

/** Rewrites the last line of a terminal; a pipe gets nothing. */
export function progress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r  ${text}   `);
}

/** Ends the line of `progress`. */
export function endProgress(): void {
  if (process.stdout.isTTY) console.log();
}

/** A part of sorted numbers, as a whole number: 0.5 is the median, 1 the largest. */
export const quantile = (sorted: readonly number[], part: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);

/** Ends the process: with an error where a check did not hold. */
export function finish(summary: string): never {
  if (failed > 0) {
    console.error(`\n${failed} of the checks above failed.`);
    process.exit(1);
  }
  console.log(`\n${summary}\n`);
  process.exit(0);
}
