import type { MiddlewareHandler } from "hono";
import { originAllowed } from "./connection.ts";
import type { PartsOf } from "./parts.ts";

/**
 * The headers that tell a browser about a request from another origin. Allowed origins are echoed, as answers to
 * requests with credentials name one origin (Fetch, "CORS protocol").
 */
const corsHeaders = (origin: string): Record<string, string> => ({
  "access-control-allow-origin": origin,
  "access-control-allow-credentials": "true",
  vary: "Origin",
});

/** An answer for an allowed origin. */
export function withCors(response: Response, origin: string): Response {
  const answer = new Response(response.body, response);
  for (const [name, value] of Object.entries(corsHeaders(origin))) answer.headers.set(name, value);
  return answer;
}

/** The answer to the question of a browser that comes before a request with headers of its own. */
export function preflight(origin: string, askedHeaders: string | undefined): Response {
  const headers = new Headers(corsHeaders(origin));
  headers.set("access-control-allow-methods", "GET,POST");
  if (askedHeaders !== undefined) headers.set("access-control-allow-headers", askedHeaders);
  headers.append("vary", "Access-Control-Request-Headers");
  return new Response(null, { status: 204, headers });
}

/** Lets pages of other origins call an API where `allowedOrigins` has them (SPEC PK8). They need a key like all others. */
export const allowOrigins =
  (partsOf: PartsOf): MiddlewareHandler<{ Bindings: RingcastEnv }> =>
  async (request, next) => {
    const { req } = request;
    const origin = req.header("origin");
    if (origin === undefined) return next();
    const url = new URL(req.url);
    if (origin === url.origin || !originAllowed(origin, url, partsOf(request.env).cluster)) return next();
    if (req.method === "OPTIONS") return preflight(origin, req.header("access-control-request-headers"));
    await next();
    request.res = withCors(request.res, origin);
    return undefined;
  };
