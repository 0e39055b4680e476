/** The text of a request that has at most so many bytes. `broken`: the client has gone meanwhile. */
export async function readBody(
  { headers, body }: Request,
  maxBytes: number,
): Promise<{ readonly text: string } | "tooLarge" | "broken"> {
  if (Number(headers.get("content-length") ?? 0) > maxBytes) return "tooLarge";
  if (body === null) return { text: "" };
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for await (const chunk of body as ReadableStream<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) return "tooLarge";
      text += decoder.decode(chunk, { stream: true });
    }
  } catch {
    return "broken";
  }
  return { text: text + decoder.decode() };
}
