/** Formats of the numbers and times on the page. */

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });

export const count = (value: number): string => whole.format(value);

/** A rate, with one decimal below 10. */
export const rate = (value: number): string =>
  value > 0 && value < 10 ? short.format(value) : whole.format(value);

export const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;

export function milliseconds(value: number): string {
  return value < 10_000 ? `${whole.format(value)} ms` : `${short.format(value / 1_000)} s`;
}

/** An age in one unit: seconds, minutes, hours or days. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A count and its noun: "1 shard", "2 shards". */
export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;
