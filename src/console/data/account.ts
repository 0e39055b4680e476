import { signal } from "@preact/signals";
import { ApiError } from "./api.ts";
import { orderAll } from "./fleet.ts";
import { closeLive, openLive } from "./live.ts";
import { findKey, forgetKey, keepKey } from "./session.ts";
import { clear, startClock } from "./store.ts";

export type Account =
  | { readonly state: "out"; readonly problem?: string }
  | { readonly state: "entering" }
  | { readonly state: "in" };

export const account = signal<Account>({ state: "out" });

let stopClock = (): void => {};

export async function signIn(given: string): Promise<void> {
  account.value = { state: "entering" };
  keepKey(given.trim());
  try {
    await openLive();
    stopClock = startClock();
    account.value = { state: "in" };
  } catch (error) {
    forgetKey();
    account.value = { state: "out", problem: explainRefusal(error) };
  }
}

export function signOut(): void {
  orderAll("remove");
  closeLive();
  stopClock();
  forgetKey();
  clear();
  account.value = { state: "out" };
}

/** Takes the key of the link, or of this tab, if there is one. Also of a link that is opened in a page that runs. */
export function enterByLink(): void {
  const given = findKey();
  if (given !== "") void signIn(given);
}

function explainRefusal(error: unknown): string {
  if (!(error instanceof ApiError)) return `Signing in failed: ${String(error)}`;
  if (error.status === 401)
    return "This key is not valid here. Check that it is this deployment's API_KEY or READ_KEY.";
  return `Signing in failed: ${error.message}.`;
}
