import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import type { Plant } from "./plants.ts";

/** What the runtime would provide comes from the simulator. MUST be called before anything of `src` is imported. */
export function register(plant?: Plant): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "cloudflare:workers"
        ? { url: new URL("workers-module.ts", import.meta.url).href, shortCircuit: true }
        : next(specifier, context),
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (plant === undefined || !url.endsWith(plant.file)) return loaded;
      const source = readFileSync(fileURLToPath(url), "utf8");
      if (source.split(plant.code).length !== 2)
        throw new Error(`${plant.file} has no such code: ${plant.code}`);
      return { ...loaded, source: source.replace(plant.code, () => plant.instead) };
    },
  });
}
