import { readFileSync } from "node:fs";
import type { Result } from "../../../bench/lib/report.ts";
import { costsOf } from "../../../bench/simulate/costs.ts";
import type { Costs } from "../../../bench/simulate/model.ts";

declare const data: Costs;
export { data };

/** The costs that the last recorded benchmark has measured: read when the site is built. */
export default {
  watch: "../../../bench/results.json",
  load(files: string[]): Costs {
    const results: Record<string, Result> = JSON.parse(readFileSync(files[0] ?? "", "utf8"));
    return costsOf(results);
  },
};
