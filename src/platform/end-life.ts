import { logError } from "./logger.ts";

/**
 * Ends the life of an object whose work has failed half-way: it would stay so for as long as it is called. The next call
 * begins another life, and the clients of a shard come back. Throws `error`.
 */
export function endLife(
  ctx: Pick<DurableObjectState, "abort">,
  why: string,
  { error, ...of }: { readonly error: unknown } & Readonly<Record<string, unknown>>,
): never {
  logError(why, { ...of, error });
  ctx.abort(why);
  throw error;
}
