import { readTyped } from "./typed-data.ts";

/** The rooms of a field, in their order and each once. */
export const parseRooms = (text: string): string[] => [
  ...new Set(
    text
      .split(",")
      .map((room) => room.trim())
      .filter((room) => room !== ""),
  ),
];

/** The arguments of an event: a JSON list, one JSON value, or the text itself. None where nothing was typed. */
export function parseArgs(
  text: string,
): { readonly args: readonly unknown[] } | { readonly problem: string } {
  if (text.trim() === "") return { args: [] };
  const typed = readTyped(text);
  if (typed.kind === "broken") return typed;
  return { args: Array.isArray(typed.value) ? typed.value : [typed.value] };
}
