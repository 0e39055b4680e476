import { cutPart, findPart, MOST_LEVELS } from "../../contracts/json-text.ts";
import { DataText } from "./data-text.ts";

/** The data of a publication or message as JSON text, or the problem with it. */
export type Payload =
  | { readonly ok: true; readonly json: string }
  | { readonly ok: false; readonly reason: string };

const tooDeep = (field: string): Payload => ({
  ok: false,
  reason: `${field} has at most ${MOST_LEVELS} levels of lists and objects`,
});

/** Reads `data`, or `b64data`: Base64 of a text that has to be JSON, because it travels in JSON frames. */
export function readPayload({
  data,
  b64data = "",
}: {
  readonly data?: unknown;
  readonly b64data?: string | undefined;
}): Payload {
  if (b64data !== "") return readBase64(b64data, "data");
  if (data instanceof DataText)
    return data.json === undefined ? tooDeep("data") : { ok: true, json: data.json };
  if (data === undefined) return { ok: false, reason: "data is required" };
  return readJavaScript(data, "data");
}

/** A value of the deployment's own code, which may be no JSON at all. */
function readJavaScript(value: unknown, field: string): Payload {
  const notJson: Payload = { ok: false, reason: `${field} is not JSON` };
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    // A text of so many levels overflows the stack.
    return error instanceof RangeError ? tooDeep(field) : notJson;
  }
  return text === undefined ? notJson : cut(text, field);
}

function readBase64(base64: string, field: string): Payload {
  let text: string;
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    JSON.parse(text);
  } catch {
    return { ok: false, reason: `b64${field} is not JSON in Base64` };
  }
  return cut(text, field);
}

function cut(text: string, field: string): Payload {
  const whole = findPart(text, []);
  if (whole === undefined || whole.levels > MOST_LEVELS) return tooDeep(field);
  return { ok: true, json: cutPart(text, whole) };
}

/**
 * A value that sessions keep or send, or the value in a Base64 text where there is one; undefined where there is neither.
 * Taken as JSON has it, as it goes from object to object, which would keep what is no JSON (SPEC PK1, CE5).
 */
export function readValue(
  field: string,
  value: unknown,
  base64 = "",
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string } {
  if (base64 === "" && value === undefined) return { ok: true, value };
  const payload = base64 === "" ? readJavaScript(value, field) : readBase64(base64, field);
  return payload.ok ? { ok: true, value: JSON.parse(payload.json) } : payload;
}
