import { encodePayload, ENGINE_ERRORS, type EngineError, type EngineFrame } from "./engine.ts";

/** A refusal in the words of the protocol. `detail` takes the place of the message. */
export function refuse(name: EngineError, detail?: string): Response {
  const { code, status, message } = ENGINE_ERRORS[name];
  return Response.json({ code, message: detail ?? message }, { status });
}

/** The answer to a GET. MUST NOT be made without a frame: a client reads an empty body as a fault. */
export const packets = (frames: readonly EngineFrame[]): Response =>
  new Response(encodePayload(frames), {
    headers: { "content-type": "text/plain; charset=UTF-8", "cache-control": "no-store" },
  });

/** The answer to a POST. It is HTML in a stock server, too: old browsers would offer plain text as a download. */
export const taken = (): Response =>
  new Response("ok", { headers: { "content-type": "text/html", "cache-control": "no-store" } });

export const tooLarge = (): Response =>
  new Response(null, { status: 413, headers: { "cache-control": "no-store" } });
