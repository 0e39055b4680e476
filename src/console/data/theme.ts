import { computed, effect, signal } from "@preact/signals";
import type { Theme } from "../model/palette.ts";

const STORED = "ringcast.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const systemTheme = signal<Theme>(system.matches ? "dark" : "light");
system.addEventListener("change", ({ matches }) => (systemTheme.value = matches ? "dark" : "light"));

const stored = localStorage.getItem(STORED);
const chosen = signal<Theme | undefined>(stored === "light" || stored === "dark" ? stored : undefined);

export const theme = computed<Theme>(() => chosen.value ?? systemTheme.value);

export function toggleTheme(): void {
  chosen.value = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(STORED, chosen.value);
}

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});

export const calm = matchMedia("(prefers-reduced-motion: reduce)");
