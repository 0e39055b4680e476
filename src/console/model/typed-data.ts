/** Data that an operator has typed into a field: JSON, or plain text without quotes. */
export type TypedData =
  | { readonly kind: "json" | "text"; readonly value: unknown }
  | { readonly kind: "broken"; readonly problem: string };

/** JSON texts of more than one word begin so. A text that begins so was meant as JSON. */
const MEANT_AS_JSON = /^\s*["[{]/u;

/** Reads typed data. Text that was meant as JSON and is not JSON is broken: it is never sent as text (SPEC OP14). */
export function readTyped(text: string): TypedData {
  try {
    return { kind: "json", value: JSON.parse(text) as unknown };
  } catch (error) {
    if (!MEANT_AS_JSON.test(text)) return { kind: "text", value: text };
    return {
      kind: "broken",
      problem: `this is not JSON (${error instanceof Error ? error.message : "broken"})`,
    };
  }
}
