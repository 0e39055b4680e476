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
export function parseArgs(text: string): unknown[] {
  if (text.trim() === "") return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch {
    return [text];
  }
}
