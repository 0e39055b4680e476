import { signal } from "@preact/signals";
import { hashOf, readRoute, type Route } from "../model/route.ts";

/** The page that the address names, with its filters. */
export const route = signal(readRoute(location.hash));

/** A browser refuses a page that changes its address at each keystroke of a fast typist. */
const WRITE_DELAY_MS = 250;
let pending: ReturnType<typeof setTimeout> | undefined;

addEventListener("hashchange", () => {
  clearTimeout(pending);
  route.value = readRoute(location.hash);
});

/** Goes to another page. The back button leads back to this one. */
export function goTo(to: Partial<Route> & Pick<Route, "page">): void {
  clearTimeout(pending);
  location.hash = hashOf(to);
}

/** Changes the filters of this page, and soon the address. The back button does not stop at each keystroke. */
export function setQuery(changed: Readonly<Record<string, string>>): void {
  const { page, item, query } = route.value;
  const next = { page, item, query: { ...query, ...changed } };
  route.value = next;
  clearTimeout(pending);
  pending = setTimeout(() => history.replaceState(history.state, "", hashOf(next)), WRITE_DELAY_MS);
}
