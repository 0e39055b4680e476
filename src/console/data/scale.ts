import { signal } from "@preact/signals";
import type { ScaleMode, ScaleReport } from "../../contracts/scale.ts";
import { callAdminApi, messageOf } from "./api.ts";

/** The scaling policy, as the operator's API shows it. */
export const scale = signal<ScaleReport | undefined>(undefined);
/** The reason why the mode could not be changed. */
export const scaleProblem = signal<string | undefined>(undefined);

export async function refreshScale(): Promise<void> {
  scale.value = await callAdminApi<ScaleReport>("GET", "/scale");
}

export async function chooseScaleMode(mode: ScaleMode): Promise<void> {
  try {
    scale.value = await callAdminApi<ScaleReport>("PATCH", "/scale", { mode });
    scaleProblem.value = undefined;
  } catch (error) {
    scaleProblem.value = messageOf(error);
  }
}

export function clearScale(): void {
  scale.value = undefined;
  scaleProblem.value = undefined;
}
