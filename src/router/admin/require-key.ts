import type { MiddlewareHandler } from "hono";
import { accessOf, requireKeys } from "../access.ts";
import { answerError, refuseAccess } from "../errors.ts";

const READING_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);
/** A POST that makes tokens for a page that watches. The reading key may call it too. */
const READING_POST = "/admin/api/live";

/** Refuses a request to the operator's API without a key that permits it (SPEC AU4). */
export const requireKey: MiddlewareHandler<{ Bindings: RingcastEnv }> = async (request, next) => {
  requireKeys(request.env);
  const access = await accessOf(request);
  if (access === "none") return refuseAccess(request);
  const reads = READING_METHODS.has(request.req.method) || request.req.path.endsWith(READING_POST);
  if (access === "read" && !reads)
    return answerError(request, 403, { code: "readOnly", message: "this API key may only read" });
  return next();
};
