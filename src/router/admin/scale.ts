import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub } from "../../platform/calls.ts";
import { authorOf } from "../access.ts";
import { addRoute, fail, type AdminApp } from "./route.ts";
import { scaleBody, scaleReport } from "./schemas/scale.ts";

/** The routes that show the scaling of the ring, and choose its mode (SPEC EL). */
export function addScale(app: AdminApp): void {
  addRoute(
    app,
    {
      method: "get",
      path: "/scale",
      summary: "Show the load of each shard, and what the scaling policy has decided",
      answer: scaleReport,
    },
    async (request) => await coordinatorStub(request.env).scale(CONTRACT),
  );
  addRoute(
    app,
    {
      method: "patch",
      path: "/scale",
      summary: "Switch the scaling policy on or off, or let it only suggest changes",
      body: scaleBody,
      answer: scaleReport,
    },
    async (request, { body }) => {
      const coordinator = coordinatorStub(request.env);
      const choice = { mode: body.mode, by: await authorOf(request) };
      if (!(await coordinator.chooseScaleMode(choice, CONTRACT)))
        return fail(request, 409, {
          code: "configured",
          message: "RINGCAST.scale.mode sets the mode; remove it to choose the mode here",
        });
      return await coordinator.scale(CONTRACT);
    },
  );
}
