import { existsSync, readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plant } from "./plants.ts";

const ROOT = join(import.meta.dirname, "../..");

/**
 * Replaces the modules of the runtime by those of the simulator, and puts a plant into the code. MUST be called before
 * anything of `src` is imported. Throws where the plant does not fit the code. `loaded`: whether the files of the plant
 * have been imported.
 */
export function register(plant?: Plant): { loaded(): boolean } {
  const planted = plant === undefined ? new Map<string, string>() : sourcesWith(plant);
  const missing = new Set(planted.keys());
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "cloudflare:workers"
        ? { url: new URL("workers-module.ts", import.meta.url).href, shortCircuit: true }
        : next(specifier, context),
    load: (url, context, next) => {
      const source = planted.get(url);
      missing.delete(url);
      return source === undefined ? next(url, context) : { ...next(url, context), source };
    },
  });
  return { loaded: () => missing.size === 0 };
}

/** The changed source of each file that the plant changes, by its URL. */
export function sourcesWith(plant: Plant): Map<string, string> {
  const sources = new Map<string, string>();
  for (const { file, code, instead } of [plant, ...(plant.also ?? [])]) {
    const path = join(ROOT, file);
    if (!existsSync(path))
      throw new Error(
        `the plant is for ${file}, which does not exist; if the code has moved, move the plant (test/sim/plants.ts)`,
      );
    const url = pathToFileURL(path).href;
    const source = sources.get(url) ?? readFileSync(path, "utf8");
    const times = source.split(code).length - 1;
    if (times !== 1)
      throw new Error(
        `the plant is for code that must be once in ${file}, and is there ${times} times: ${code}`,
      );
    sources.set(
      url,
      source.replace(code, () => instead),
    );
  }
  return sources;
}
