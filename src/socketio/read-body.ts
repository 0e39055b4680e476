/**
 * The text of a request that has at most so many bytes. `broken`: the client has gone meanwhile, or the signal has ended
 * the reading.
 */
export async function readBody(
  { headers, body }: Request,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<{ readonly text: string } | "tooLarge" | "broken"> {
  if (Number(headers.get("content-length") ?? 0) > maxBytes) return "tooLarge";
  if (body === null) return { text: "" };
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  signal.addEventListener("abort", () => void reader.cancel().catch(() => undefined));
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted) return "broken";
      if (done) return { text: text + decoder.decode() };
      bytes += value.byteLength;
      if (bytes > maxBytes) return "tooLarge";
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    return "broken";
  }
}
