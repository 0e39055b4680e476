/** The JSON value of a publication or message, or the problem with it. */
export type Payload =
  | { readonly ok: true; readonly data: unknown }
  | { readonly ok: false; readonly reason: string };

/** Reads `data`, or `b64data`: Base64 of a text that has to be JSON, because it travels in JSON frames. */
export function readPayload(params: {
  readonly data?: unknown;
  readonly b64data?: string | undefined;
}): Payload {
  if (params.b64data === undefined || params.b64data === "") {
    return params.data === undefined
      ? { ok: false, reason: "data is required" }
      : { ok: true, data: params.data };
  }
  try {
    const bytes = Uint8Array.from(atob(params.b64data), (char) => char.charCodeAt(0));
    return {
      ok: true,
      data: JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)),
    };
  } catch {
    return { ok: false, reason: "b64data is not JSON in Base64" };
  }
}
