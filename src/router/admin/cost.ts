import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub } from "../../platform/calls.ts";
import { adminRoute, type AdminApp } from "./route.ts";
import { costReport } from "./schemas/cost.ts";

/** The route that shows the cluster's estimate of its own bill (SPEC EL54). */
export function addCost(app: AdminApp): void {
  app.openapi(
    adminRoute({
      method: "get",
      path: "/cost",
      summary:
        "Estimate the bill: of each shard and namespace, of a broadcast, and of a month at the present rate",
      answer: costReport,
    }),
    async (request) => request.json(await coordinatorStub(request.env).cost(CONTRACT), 200),
  );
}
