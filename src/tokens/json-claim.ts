/**
 * The value of a claim that a token may also hold as base64 of its JSON text, such as `info` and `b64info`. The base64
 * form wins. Throws where it is not base64 of JSON.
 */
export function jsonClaim(plain: unknown, base64: string | undefined): unknown {
  if (base64 === undefined || base64 === "") return plain;
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
}
