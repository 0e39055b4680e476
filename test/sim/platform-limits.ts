import { serialize } from "node:v8";

/** 2 MB of the documentation, read as 2 MiB: a row of our largest body, of 2,000,000 bytes, is stored. */
const VALUE_BYTES = 2 * 2 ** 20;

/** The limits over which the platform refuses; the local runtime is kinder (docs/platform.md). */
export const PLATFORM = {
  /** A key with its value, and a row, string or blob of SQLite. */
  valueBytes: VALUE_BYTES,
  /** The arguments of a call between objects,and its answer. */
  callBytes: 32 * 2 ** 20,
  attachmentBytes: 16_384,
  closeReasonBytes: 123,
  tags: 10,
  tagChars: 256,
  sockets: 32_768,
  /** A date is a number of nanoseconds since 1970 in 64 bits. */
  latestDate: Math.floor(2 ** 63 / 1_000_000),
  /** After so many repetitions of an alarm that fails, the platform gives the alarm up. */
  alarmRetries: 6,
  alarmRetryMs: 2_000,
  /** Calls and requests that one event may make, by plan. */
  subrequests: { free: 1_000, paid: 10_000 },
  /** The limits of SQLite that `node:sqlite` can set. */
  sql: {
    length: VALUE_BYTES,
    sqlLength: 100_000,
    column: 100,
    compoundSelect: 5,
    functionArg: 32,
    likePatternLength: 50,
    variableNumber: 100,
  },
} as const;

/** A value has at most so many times the bytes of its estimate. */
const SIZE_OF_ESTIMATE = 4;
/** Below this size by estimate a value is not measured, as measuring costs more than all else. */
const MEASURED_FROM = 8_000;

/** The size of a value as the platform serializes it. Far below every limit, an estimate. */
export function bytesOf(value: unknown): number {
  const estimate = estimateOf(value, 0);
  return estimate < MEASURED_FROM ? estimate : serialize(value).byteLength;
}

/** The size of a value that has more than `most` bytes; undefined for all others, most of which are not measured. */
export function bytesOver(value: unknown, most: number): number | undefined {
  if (estimateOf(value, 0) * SIZE_OF_ESTIMATE <= most) return undefined;
  const bytes = bytesOf(value);
  return bytes > most ? bytes : undefined;
}

/** At least a third of the size: a character has one to three bytes, and a number or a reference few. */
function estimateOf(value: unknown, depth: number): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object" || value === null) return 9;
  if (depth > 12) return MEASURED_FROM;
  let sum = 4;
  if (value instanceof Map || value instanceof Set) {
    for (const one of value) sum += estimateOf(one, depth + 1);
    return sum;
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return sum + value.byteLength;
  if (Array.isArray(value)) {
    for (const one of value) sum += estimateOf(one, depth + 1);
    return sum;
  }
  for (const field of Object.keys(value))
    sum += field.length + 2 + estimateOf((value as Record<string, unknown>)[field], depth + 1);
  return sum;
}
