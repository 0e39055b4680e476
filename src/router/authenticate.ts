import type { RouteIdentity } from "../contracts/route.ts";
import { ERRORS } from "../centrifuge/codes.ts";
import { identityAnswer } from "../hooks/answers.ts";
import { ask } from "../hooks/ask.ts";
import type { Identity } from "../hooks/hooks.ts";
import { logError } from "../platform/logger.ts";

/** The identity travels in a header, and is part of the socket's attachment of 16 KiB (docs/platform.md P2). */
const MAX_IDENTITY_LENGTH = 8_192;

/** The bytes of a text in an attachment: two for each character, unless the text is Latin-1 throughout. */
const storedLength = (text: string): number =>
  /[^\p{ASCII}\u0080-\u00ff]/u.test(text) ? text.length * 2 : text.length;

/**
 * Asks the `authenticate` hook for the identity of a connection; undefined where the hook answers nothing (SPEC HK3). An
 * answer that is too long for a socket to remember is an error of the hook (SPEC BD93).
 */
export async function authenticate(
  hook: () => unknown,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<RouteIdentity | undefined> {
  const asked = await ask("authenticate", hook, { answers: identityAnswer, timeoutMs });
  const identity = asked.kind === "pass" ? identityOf(asked.change) : asked;
  if (identity === undefined) return undefined;
  const length = storedLength(JSON.stringify(identity));
  if (length <= MAX_IDENTITY_LENGTH) return identity;
  logError("the answer of a hook is too long", { hook: "authenticate", length, most: MAX_IDENTITY_LENGTH });
  return { kind: "error", error: ERRORS.internal };
}

const identityOf = ({ user, ...rest }: Partial<Identity>): RouteIdentity | undefined =>
  user === undefined ? undefined : { kind: "user", user, ...rest };
