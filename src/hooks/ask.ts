import * as z from "zod";
import type { Close, ReplyError } from "../contracts/refusal.ts";
import { within } from "../platform/calls.ts";
import { logError } from "../platform/logger.ts";
import type { Answers } from "./answers.ts";

/** The decision of a hook. `change` is empty where the hook has answered nothing. */
export type Asked<Change> =
  | { readonly kind: "pass"; readonly change: Partial<Change> }
  | { readonly kind: "error"; readonly error: ReplyError }
  | { readonly kind: "disconnect"; readonly close: Close };

/** The decision where no hook was asked: the operation goes on unchanged. */
export const PASS = { kind: "pass", change: {} } as const;

/** The error reply after a hook has failed. A stock client tries again, because the error is temporary. */
const HOOK_FAILED: ReplyError = { code: 100, message: "internal server error", temporary: true };

/**
 * Asks a hook. A hook that throws, takes longer than `timeoutMs` or gives a wrong answer has decided for the temporary
 * error 100 (SPEC HK2). MUST NOT reject.
 */
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
    if (!answer.success)
      throw new Error(`the answer of the hook is not allowed: ${z.prettifyError(answer.error)}`);
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
