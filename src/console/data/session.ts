import { signal } from "@preact/signals";

/** Kept for this tab only. */
const STORED = "ringcast.key";

/** The operator's key; empty while nobody is signed in. */
export const key = signal("");

/** The key of a link (`#key=…`), which is taken out of the address at once; else the one that this tab has kept. */
export function findKey(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given !== null) history.replaceState(null, "", location.pathname);
  return given ?? sessionStorage.getItem(STORED) ?? "";
}

export function keepKey(text: string): void {
  key.value = text;
  sessionStorage.setItem(STORED, text);
}

export function forgetKey(): void {
  key.value = "";
  sessionStorage.removeItem(STORED);
}
