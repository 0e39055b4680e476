import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub } from "../../platform/calls.ts";
import { adminRoute, fail, jsonBody, type AdminApp } from "./route.ts";
import { scaleBody, scaleReport } from "./schemas/scale.ts";

/** The routes that show the scaling of the ring, and choose its mode (SPEC EL). */
export function addScale(app: AdminApp): void {
  app.openapi(
    adminRoute({
      method: "get",
      path: "/scale",
      summary: "Show the load of each shard, and what the scaling policy has decided",
      answer: scaleReport,
    }),
    async (request) => request.json(await coordinatorStub(request.env).scale(CONTRACT), 200),
  );
  app.openapi(
    adminRoute({
      method: "patch",
      path: "/scale",
      summary: "Switch the scaling policy on or off, or let it only suggest changes",
      request: { body: jsonBody(scaleBody) },
      answer: scaleReport,
    }),
    async (request) => {
      const coordinator = coordinatorStub(request.env);
      if (!(await coordinator.chooseScaleMode(request.req.valid("json").mode, CONTRACT)))
        return fail(request, 409, {
          code: "configured",
          message: "RINGCAST.scale.mode sets the mode; remove it to choose the mode here",
        });
      return request.json(await coordinator.scale(CONTRACT), 200);
    },
  );
}
