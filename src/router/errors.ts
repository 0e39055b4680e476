import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** The error of an HTTP answer: a code for programs, and a sentence for people. */
type HttpError = {
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Answers an HTTP request with an error of Ringcast. Errors of the server API have Centrifugo's form instead. */
export function answerError(
  request: Context,
  status: ContentfulStatusCode,
  { code, message, headers = {} }: HttpError,
): Response {
  return request.json({ error: { code, message } }, status, { ...headers });
}
