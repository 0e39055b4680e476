import { signal } from "@preact/signals";
import type { WaitingEvents } from "../../contracts/log.ts";
import { callAdminApi, messageOf } from "./api.ts";

/** Events that wait at the coordinator and at channels, as old as `at`, ms since 1970: each look asks each of them. */
export type WaitingLook = {
  readonly at: number;
  /** Null where it has not answered. */
  readonly coordinator: WaitingEvents | null;
  readonly channels: readonly (WaitingEvents & { readonly channel: string })[];
  readonly asked: number;
  readonly truncated: boolean;
  readonly unreachable: readonly string[];
  readonly silentShards: readonly string[];
};

export const waitingLook = signal<WaitingLook | undefined>(undefined);
export const waitingProblem = signal<string | undefined>(undefined);

let newest = 0;

export async function lookForWaiting(): Promise<void> {
  newest += 1;
  const mine = newest;
  try {
    const answer = await callAdminApi<Omit<WaitingLook, "at">>("GET", "/events");
    if (mine !== newest) return;
    waitingLook.value = { at: Date.now(), ...answer };
    waitingProblem.value = undefined;
  } catch (error) {
    if (mine === newest) waitingProblem.value = messageOf(error);
  }
}

export function clearWaiting(): void {
  newest += 1;
  waitingLook.value = undefined;
  waitingProblem.value = undefined;
}
