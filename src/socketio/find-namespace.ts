import { within } from "../platform/calls.ts";
import { logError } from "../platform/logger.ts";
import { namespaceChannel } from "./names.ts";
import type { AllHandlers, NamespaceFunction } from "./registry.ts";
import { isThenable } from "./running.ts";

/** `foundBy`: the key of the pattern or function that has found it. */
export type FoundNamespace = { readonly foundBy?: string };

export type FindLimits = { readonly channelBytes: number; readonly timeoutMs: number };

/**
 * Finds the namespace that a client wants: one that was named, else the first pattern or function that knows it (SPEC
 * SO30). A function that throws or is late knows none; the log tells it.
 */
export async function findNamespace(
  server: AllHandlers,
  { nsp, auth }: { readonly nsp: string; readonly auth: Readonly<Record<string, unknown>> },
  { channelBytes, timeoutMs }: FindLimits,
): Promise<FoundNamespace | undefined> {
  if (server.has(nsp)) return {};
  if (server.dynamic.length === 0 || !mayBeChannel(nsp, channelBytes)) return undefined;
  for (const { key, exists } of server.dynamic) {
    try {
      if (await within(timeoutMs, answerOf(exists, nsp, auth))) return { foundBy: key };
    } catch (error) {
      logError("a function for namespaces of Socket.IO failed", { namespace: nsp, error });
    }
  }
  return undefined;
}

/** A client makes names up. */
const mayBeChannel = (nsp: string, channelBytes: number): boolean =>
  nsp.isWellFormed() && namespaceChannel(nsp).length <= channelBytes;

const answerOf = (
  exists: NamespaceFunction,
  nsp: string,
  auth: Readonly<Record<string, unknown>>,
): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const result = exists(nsp, auth, (error, isThere) => resolve(!error && isThere));
    if (isThenable(result)) result.then(undefined, reject);
  });
