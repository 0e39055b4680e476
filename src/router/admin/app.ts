import { bodyLimit } from "hono/body-limit";
import { basePath } from "hono/route";
import { configOf } from "../../platform/config.ts";
import { answerError } from "../errors.ts";
import { writeOpenApi } from "../openapi.ts";
import { addChanges } from "./changes.ts";
import { addConfiguration } from "./configuration.ts";
import { addCost } from "./cost.ts";
import { addCrashes } from "./crashes.ts";
import { addTime } from "./time.ts";
import { addEvents } from "./events.ts";
import { addLive } from "./live.ts";
import { addReads } from "./reads.ts";
import { requireKey } from "./require-key.ts";
import { AdminApp, refuseOtherMethods } from "./route.ts";
import { addScale } from "./scale.ts";
import { addSocketIo } from "./socketio.ts";
import { addUsers } from "./users.ts";

/** Enough for a list of a thousand shard ids. */
const MAX_BODY_BYTES = 131_072;

/** The operator's API: it takes and gives JSON, needs a key (SPEC AU4), and is described by `/openapi.json`. */
export function createAdmin(): AdminApp {
  const app = new AdminApp();
  // The document needs no key: it is public, and tools fetch it without one.
  app.get("/openapi.json", (request) =>
    request.json(
      writeOpenApi({ title: "Ringcast operator's API", path: basePath(request), paths: app.paths }),
    ),
  );
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
  addTime(app);
  addScale(app);
  addCost(app);
  addConfiguration(app);
  addUsers(app);
  addSocketIo(app);
  addEvents(app);
  addLive(app);
  refuseOtherMethods(app);
  return app;
}
