import { z } from "zod";
import type { Close, ReplyError } from "../contracts/refusal.ts";
import { within } from "../platform/calls.ts";
import { logError } from "../platform/logger.ts";
import type { Answers } from "./answers.ts";

/** What a hook has decided. `change` is empty where it has said nothing. */
export type Asked<Change> =
  | { readonly kind: "pass"; readonly change: Partial<Change> }
  | { readonly kind: "error"; readonly error: ReplyError }
  | { readonly kind: "disconnect"; readonly close: Close };

/** Nothing was asked, and nothing is changed. */
export const PASS = { kind: "pass", change: {} } as const;

/** What a client hears of a hook that failed; a stock client tries again. */
export const HOOK_FAILED: ReplyError = { code: 100, message: "internal server error", temporary: true };

/** Asks a hook. Never rejects: what it throws, delays or answers wrongly is the temporary error 100 (SPEC HK2). */
export async function ask<Change extends object>(
  name: string,
  hook: () => unknown,
  by: { readonly answers: Answers<Change>; readonly timeoutMs: number },
): Promise<Asked<Change>> {
  try {
    const answer = by.answers.safeParse(
      await within(
        by.timeoutMs,
        Promise.resolve().then(() => hook()),
      ),
    );
    if (!answer.success) throw new Error(`it answered what it may not: ${z.prettifyError(answer.error)}`);
    const { data } = answer;
    if (data === null || data === undefined) return { kind: "pass", change: {} };
    if ("error" in data) return { kind: "error", error: data.error };
    if ("disconnect" in data) return { kind: "disconnect", close: data.disconnect };
    return { kind: "pass", change: data };
  } catch (error) {
    logError("a hook failed", { hook: name, error });
    return { kind: "error", error: HOOK_FAILED };
  }
}
