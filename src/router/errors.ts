import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** Every error of ours that is not a WebSocket frame: a code for programs, a sentence for people. */
export function answerError(
  request: Context,
  status: ContentfulStatusCode,
  error: { readonly code: string; readonly message: string },
  headers: Record<string, string> = {},
): Response {
  return request.json({ error }, status, headers);
}
