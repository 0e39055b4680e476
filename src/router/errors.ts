import type { Context } from "hono";
import { keyIn } from "./access.ts";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** The error of an HTTP answer: a code for programs, and a sentence for people. */
type HttpError = {
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Refuses a request that has no valid API key. */
export function refuseAccess(request: Context, otherwise?: string): Response {
  return keyIn(request) === undefined && otherwise === undefined
    ? answerError(request, 401, {
        code: "noKey",
        message:
          "send an API key in the X-API-Key header; `npm start` writes one for this machine into .dev.vars",
      })
    : answerError(request, 401, { code: "wrongKey", message: "this API key is not valid" });
}

/** Answers an HTTP request with an error of Ringcast. Errors of the server API have Centrifugo's form instead. */
export function answerError(
  request: Context,
  status: ContentfulStatusCode,
  { code, message, headers = {} }: HttpError,
): Response {
  return request.json({ error: { code, message } }, status, { ...headers });
}
