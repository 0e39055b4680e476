import { pathToFileURL } from "node:url";
import type { Plugin } from "vitest/config";
import { PLANTS } from "./plants.ts";
import { sourcesWith } from "./register.ts";

/** Puts the slip that the variable RINGCAST_PLANT names into the code that a test runs. */
export function plantPlugin(name = process.env["RINGCAST_PLANT"]): Plugin {
  if (name === undefined) return { name: "ringcast-plant" };
  const plant = PLANTS[name];
  if (plant === undefined) throw new Error(`there is no plant ${name}`);
  const planted = sourcesWith(plant);
  return {
    name: "ringcast-plant",
    enforce: "pre",
    // Other runs would find the slip in the cache.
    config: () => ({ test: { fsModuleCache: false } }),
    load: (id) => planted.get(pathToFileURL(id).href),
  };
}
