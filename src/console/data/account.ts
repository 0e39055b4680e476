import { signal } from "@preact/signals";
import { ApiError } from "./api.ts";
import { findApiKey, forgetApiKey, keepApiKey } from "./api-key.ts";
import { stopRepeat } from "./messages.ts";
import { closeLiveFeed, openLiveFeed } from "./live.ts";
import { startClock } from "./pulses.ts";
import { applyToAll } from "./sim-clients.ts";
import { clearCluster } from "./store.ts";

export type Account =
  | { readonly state: "signed out"; readonly problem?: string }
  | { readonly state: "signing in" }
  | { readonly state: "signed in" };

export const account = signal<Account>({ state: "signed out" });

let stopClock = (): void => {};

export async function signIn(key: string): Promise<void> {
  account.value = { state: "signing in" };
  keepApiKey(key.trim());
  try {
    await openLiveFeed();
    stopClock = startClock();
    account.value = { state: "signed in" };
  } catch (error) {
    // A cluster that is away for a moment says nothing of the key, which the operator may not have at hand.
    if (isRefused(error)) forgetApiKey();
    account.value = { state: "signed out", problem: signInProblem(error) };
  }
}

export function signOut(): void {
  stopRepeat();
  applyToAll("remove");
  closeLiveFeed();
  stopClock();
  forgetApiKey();
  clearCluster();
  account.value = { state: "signed out" };
}

/** Signs in with the key of a link, or with the key that this tab has kept. Without a key it does nothing. */
export function signInByLink(): void {
  const key = findApiKey();
  if (key !== "") void signIn(key);
}

const isRefused = (error: unknown): boolean => error instanceof ApiError && error.status === 401;

function signInProblem(error: unknown): string {
  if (!(error instanceof ApiError)) return `Signing in failed: ${String(error)}`;
  if (isRefused(error))
    return "This key is not valid here. Check that it is this deployment's API_KEY or READ_KEY.";
  return `Signing in failed: ${error.message}.`;
}
