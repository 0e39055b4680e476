import { signal } from "@preact/signals";
import type { CostReport } from "../../contracts/cost.ts";
import { callAdminApi, messageOf } from "./api.ts";

/** The cluster's estimate of its bill. Each look is a call to every shard, so the page does not repeat it by itself. */
export const cost = signal<CostReport | undefined>(undefined);
export const costProblem = signal<string | undefined>(undefined);

export async function refreshCost(): Promise<void> {
  try {
    cost.value = await callAdminApi<CostReport>("GET", "/cost");
    costProblem.value = undefined;
  } catch (error) {
    costProblem.value = messageOf(error);
  }
}

export function clearCost(): void {
  cost.value = undefined;
  costProblem.value = undefined;
}
