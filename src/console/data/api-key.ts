import { signal } from "@preact/signals";

/** The session storage keeps the key for this tab only. */
const STORAGE_KEY = "ringcast.key";

/** The operator's API key; empty while the operator is signed out. */
export const apiKey = signal("");

/** The key of a link (`#key=…`), else the key that this tab has kept. Removes the key from the address at once. */
export function findApiKey(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given !== null) history.replaceState(null, "", location.pathname);
  return given ?? sessionStorage.getItem(STORAGE_KEY) ?? "";
}

export function keepApiKey(text: string): void {
  apiKey.value = text;
  sessionStorage.setItem(STORAGE_KEY, text);
}

export function forgetApiKey(): void {
  apiKey.value = "";
  sessionStorage.removeItem(STORAGE_KEY);
}
