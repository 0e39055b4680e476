import { cutPart, findPart, MOST_LEVELS } from "../../contracts/json-text.ts";
import { DataText } from "./data-text.ts";

/** The data of a publication or message as JSON text, or the problem with it. */
export type Payload =
  | { readonly ok: true; readonly json: string }
  | { readonly ok: false; readonly reason: string };

const TOO_DEEP: Payload = {
  ok: false,
  reason: `data has at most ${MOST_LEVELS} levels of lists and objects`,
};

/** Reads `data`, or `b64data`: Base64 of a text that has to be JSON, because it travels in JSON frames. */
export function readPayload({
  data,
  b64data = "",
}: {
  readonly data?: unknown;
  readonly b64data?: string | undefined;
}): Payload {
  if (b64data !== "") return readBase64(b64data);
  if (data instanceof DataText) return data.json === undefined ? TOO_DEEP : { ok: true, json: data.json };
  if (data === undefined) return { ok: false, reason: "data is required" };
  return readJavaScript(data);
}

/** A value of the deployment's own code, which may be no JSON at all. */
function readJavaScript(data: unknown): Payload {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (error) {
    // A text of so many levels overflows the stack.
    return error instanceof RangeError ? TOO_DEEP : NOT_JSON;
  }
  return text === undefined ? NOT_JSON : cut(text);
}

const NOT_JSON: Payload = { ok: false, reason: "data is not JSON" };

function readBase64(base64: string): Payload {
  let text: string;
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    JSON.parse(text);
  } catch {
    return { ok: false, reason: "b64data is not JSON in Base64" };
  }
  return cut(text);
}

function cut(text: string): Payload {
  const whole = findPart(text, []);
  if (whole === undefined || whole.levels > MOST_LEVELS) return TOO_DEEP;
  return { ok: true, json: cutPart(text, whole) };
}

/** A value, or the value in a Base64 text where there is one. */
export function readValue(
  value: unknown,
  b64data = "",
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string } {
  if (b64data === "") return { ok: true, value };
  const payload = readBase64(b64data);
  return payload.ok ? { ok: true, value: JSON.parse(payload.json) } : payload;
}
