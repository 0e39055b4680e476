import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { configOf } from "../../platform/config.ts";
import { PRODUCT_VERSION } from "../../version.ts";
import { answerError } from "../errors.ts";
import { addChanges } from "./changes.ts";
import { addCost } from "./cost.ts";
import { addCrashes } from "./crashes.ts";
import { addLive } from "./live.ts";
import { addReads } from "./reads.ts";
import { requireKey } from "./require-key.ts";
import type { AdminApp } from "./route.ts";
import { addScale } from "./scale.ts";
import { addSocketIo } from "./socketio.ts";
import { addUsers } from "./users.ts";

/** Enough for a list of a thousand shard ids. */
const MAX_BODY_BYTES = 131_072;

/** The operator's API: it takes and gives JSON, needs a key (SPEC AU4), and is described by `/openapi.json`. */
export function createAdmin(): AdminApp {
  const app: AdminApp = new OpenAPIHono({
    defaultHook: (result, request) => {
      if (result.success) return undefined;
      const [issue] = result.error.issues;
      const field = issue?.path.join(".") ?? "";
      const message = `${field === "" ? result.target : field}: ${issue?.message ?? "cannot be read"}`;
      return answerError(request, 400, { code: "badRequest", message });
    },
  });
  // The document needs no key: it is public, and tools fetch it without one.
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: { title: "Ringcast operator's API", version: PRODUCT_VERSION },
    servers: [{ url: "/admin/api" }],
    security: [{ apiKey: [] }],
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
  });
  app.use(requireKey);
  app.use((request, next) => {
    // Without this check a wrong setting would first fail inside an object, and its reason would be lost (SPEC OP11).
    configOf(request.env);
    return next();
  });
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (request) =>
        answerError(request, 413, {
          code: "tooLarge",
          message: `a body has at most ${MAX_BODY_BYTES} bytes`,
        }),
    }),
  );
  addReads(app);
  addChanges(app);
  addCrashes(app);
  addScale(app);
  addCost(app);
  addUsers(app);
  addSocketIo(app);
  addLive(app);
  app.notFound((request) =>
    answerError(request, 404, {
      code: "notFound",
      message: `${request.req.method} ${request.req.path} does not exist`,
    }),
  );
  return app;
}
