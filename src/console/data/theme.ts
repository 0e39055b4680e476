import { computed, effect, signal } from "@preact/signals";
import type { Theme } from "../model/palette.ts";

const STORAGE_KEY = "ringcast.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const systemTheme = signal<Theme>(system.matches ? "dark" : "light");
system.addEventListener("change", ({ matches }) => (systemTheme.value = matches ? "dark" : "light"));

const stored = localStorage.getItem(STORAGE_KEY);
const chosenTheme = signal<Theme | undefined>(stored === "light" || stored === "dark" ? stored : undefined);

export const theme = computed<Theme>(() => chosenTheme.value ?? systemTheme.value);

export function toggleTheme(): void {
  chosenTheme.value = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(STORAGE_KEY, chosenTheme.value);
}

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});

/** A colour of the present theme, by its custom property. A component that calls this renders again for a new theme. */
export function themeColor(property: string): string {
  void theme.value;
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}

export const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
