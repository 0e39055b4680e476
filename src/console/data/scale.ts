import { signal } from "@preact/signals";
import type { ScaleMode, ScaleReport } from "../../contracts/scale.ts";
import { callAdminApi, messageOf } from "./api.ts";

/** The scaling policy, as the operator's API shows it. */
export const scale = signal<ScaleReport | undefined>(undefined);
/** The reason why the report could not be read, or the mode not be changed. */
export const scaleProblem = signal<string | undefined>(undefined);

/** A coordinator of the release before has no such report: the rest of the page does not wait for it. */
export async function refreshScale(): Promise<void> {
  try {
    scale.value = await callAdminApi<ScaleReport>("GET", "/scale");
    scaleProblem.value = undefined;
  } catch (error) {
    scaleProblem.value = messageOf(error);
  }
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
