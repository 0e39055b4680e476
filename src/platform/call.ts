import pRetry from "p-retry";

/** How long an ambiguous failure between our objects is retried before the caller hears of it. */
export const CALL_RETRY_MS = 4_000;

/**
 * Calls another object until it answers. `call` MUST make a new stub each time (a stub that has thrown stays
 * broken) and MUST be safe to repeat. What the runtime marks `overloaded` is not tried again.
 */
export function callAgain<T>(call: () => Promise<T>, forMs: number = CALL_RETRY_MS): Promise<T> {
  return pRetry(call, {
    retries: 20,
    minTimeout: 50,
    maxTimeout: 1_000,
    factor: 2,
    randomize: true,
    maxRetryTime: forMs,
    shouldRetry: ({ error }) => !("overloaded" in error && error.overloaded === true),
  });
}

/** Rejects after `ms`; the call itself goes on, as nothing can stop it. */
export async function within<T>(ms: number, call: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}
