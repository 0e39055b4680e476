import { signal } from "@preact/signals";
import { callAdminApi, messageOf } from "./api.ts";

export type Configuration = {
  readonly release: string;
  readonly contract: number;
  readonly fronts: readonly string[];
  readonly secrets: readonly string[];
  readonly settings: readonly {
    readonly name: string;
    readonly value: unknown;
    readonly isDefault: boolean;
  }[];
};

/** The settings in force. A deployment cannot change them while it runs: they are read once for each visit. */
export const configuration = signal<Configuration | undefined>(undefined);
export const configurationProblem = signal<string | undefined>(undefined);

export async function loadConfiguration(): Promise<void> {
  try {
    configuration.value = await callAdminApi<Configuration>("GET", "/configuration");
    configurationProblem.value = undefined;
  } catch (error) {
    configurationProblem.value = messageOf(error);
  }
}
