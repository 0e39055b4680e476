import { effectiveSettings } from "../../config/effective.ts";
import { isSecretName } from "../../config/secrets.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { configOf } from "../../platform/config.ts";
import { frontsOf } from "../../platform/fronts.ts";
import { PRODUCT_VERSION } from "../../version.ts";
import { addRoute, type AdminApp } from "./route.ts";
import { configuration } from "./schemas/configuration.ts";

/** The route that shows the settings in force (SPEC OP23). */
export function addConfiguration(app: AdminApp): void {
  addRoute(
    app,
    {
      method: "get",
      path: "/configuration",
      summary: "Show the settings in force, and the names of the secrets that are set",
      answer: configuration,
    },
    async ({ env }) => ({
      release: PRODUCT_VERSION,
      contract: CONTRACT,
      fronts: [...frontsOf(env)],
      secrets: Object.entries<unknown>({ ...env })
        .filter(([name, value]) => isSecretName(name) && typeof value === "string" && value !== "")
        .map(([name]) => name)
        .toSorted(),
      settings: effectiveSettings(configOf(env)),
    }),
  );
}
