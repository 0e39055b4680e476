/** The fields of a log line. A log search finds a line by them, so they have the same names everywhere. */
export type LogFields = {
  readonly channel?: string | undefined;
  /** A shard's id. */
  readonly shard?: string | undefined;
  /** A session's id. */
  readonly session?: string | undefined;
  readonly attempt?: number | undefined;
  readonly error?: unknown;
  readonly [field: string]: unknown;
};

/** Logs one sentence and its fields, as one object, which the platform's log search indexes. */
export function logError(message: string, fields: LogFields): void {
  console.error(entryOf(message, fields));
}

export function logWarning(message: string, fields: LogFields): void {
  console.warn(entryOf(message, fields));
}

/** What is thrown need not be an error, and may refuse to be looked at. */
function describe(error: unknown): string {
  try {
    if (error instanceof Error) return error.stack ?? `${error.name}: ${error.message}`;
    if (typeof error === "string") return error;
    return JSON.stringify(error);
  } catch {
    return "an error that cannot be written";
  }
}

/** An error has no fields of its own that would be logged. */
function entryOf(message: string, { error, ...fields }: LogFields): Record<string, unknown> {
  if (error === undefined) return { ...fields, message };
  return { ...fields, message, error: describe(error) };
}
