import type { Context } from "hono";
import { keyIn } from "./access.ts";
import { refusalsOf } from "./refusals.ts";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** The error of an HTTP answer: a code for programs, and a sentence for people. */
type HttpError = {
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Refuses a request that has no valid API key, and says where the key is (SPEC FH1). */
export function refuseAccess(request: Context, otherwise?: string): Response {
  const isAbsent = keyIn(request) === undefined && otherwise === undefined;
  const where = isOnThisMachine(request)
    ? "the cluster on this machine has its API_KEY in .dev.vars"
    : "it is the secret API_KEY of the deployment, or its READ_KEY";
  return isAbsent
    ? answerError(request, 401, {
        code: "noKey",
        message: `send an API key in the header X-API-Key; ${where}`,
      })
    : answerError(request, 401, { code: "wrongKey", message: `this API key is not valid; ${where}` });
}

/** Whether a request goes to an address of the machine itself, such as that of `wrangler dev`. No deployment has one. */
export const isOnThisMachine = ({ req }: Pick<Context, "req">): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(req.url).hostname);

/** Refuses another method than those that the address has. */
export const refuseMethod = (request: Context, allowed: readonly string[]): Response =>
  answerError(request, 405, {
    code: "methodNotAllowed",
    message: `this address takes ${allowed.join(" and ")}, not ${request.req.method}`,
    headers: { allow: allowed.join(", ") },
  });

/** Answers an HTTP request with an error of Ringcast. Errors of the server API have Centrifugo's form instead. */
export function answerError(
  request: Context,
  status: ContentfulStatusCode,
  { code, message, headers = {} }: HttpError,
): Response {
  refusalsOf(request.env as object).note(code);
  return request.json({ error: { code, message } }, status, { ...headers });
}
