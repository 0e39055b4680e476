import { createDelta } from "fossil-delta";
import { forClients, splitPublication, type Publication } from "../contracts/publication.ts";

/**
 * Publications as a subscriber with delta compression sees them (Centrifuge protocol, "fossil").
 *
 * `data` is a JSON string: the whole text, or with `delta: true` the patch that makes it of the one before. `base` is
 * the offset of the publication that the client has; only the next one can be a patch. Each text and each patch is
 * made once, however many subscribers there are.
 */
export class DeltaEncoder {
  readonly #encoded = new Map<string, string>();
  readonly #parts = new Map<number, ReturnType<typeof splitPublication>>();

  /** `previous`: the publication before the first, where it is known. */
  constructor(publications: readonly Publication[], previous?: Publication) {
    for (const { offset, body } of previous === undefined ? publications : [previous, ...publications])
      this.#parts.set(offset, splitPublication(forClients(body)));
  }

  /** The JSON text of a publication for a client that has the one at `base`. */
  encode(offset: number, base: number | undefined): string {
    const parts = this.#parts.get(offset);
    if (parts === undefined) throw new Error(`publication ${offset} is not among those to encode`);
    const before = base === offset - 1 ? this.#parts.get(base) : undefined;
    const key = before === undefined ? `${offset}` : `${offset} delta`;
    let text = this.#encoded.get(key);
    if (text === undefined) {
      const patch = before === undefined ? undefined : createPatch(before.json, parts.json);
      const data = `"data":${JSON.stringify(patch ?? parts.json)}`;
      text = `{${data}${patch === undefined ? "" : ',"delta":true'}${parts.rest},"offset":${offset}}`;
      this.#encoded.set(key, text);
    }
    return text;
  }
}

/** A publication without an offset, whole, as a subscriber with delta reads it. */
export function encodeWhole(body: string): string {
  const { json, rest } = splitPublication(forClients(body));
  return `{"data":${JSON.stringify(json)}${rest}}`;
}

/** A patch as text; undefined where the whole is shorter, or where the patch cuts a character and is no text. */
function createPatch(before: string, after: string): string | undefined {
  const encoder = new TextEncoder();
  const target = encoder.encode(after);
  const patch = createDelta(encoder.encode(before), target);
  if (patch.byteLength >= target.byteLength) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(patch);
  } catch {
    return undefined;
  }
}
