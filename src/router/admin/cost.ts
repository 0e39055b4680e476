import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub } from "../../platform/calls.ts";
import { addRoute, type AdminApp } from "./route.ts";
import { costReport } from "./schemas/cost.ts";

/** The route that shows the cluster's estimate of its own bill (SPEC EL54). */
export function addCost(app: AdminApp): void {
  addRoute(
    app,
    {
      method: "get",
      path: "/cost",
      summary:
        "Estimate the bill: of each shard and namespace, of a broadcast, and of a month at the present rate",
      answer: costReport,
    },
    async (request) => await coordinatorStub(request.env).cost(CONTRACT),
  );
}
