import { createDelta } from "fossil-delta";
import type { Publication } from "../contracts/publication.ts";

/** The text of a publication's data, and its other fields. */
type Parsed = { readonly offset: number; readonly text: string; readonly rest: Record<string, unknown> };

/**
 * Publications as a subscriber with delta compression sees them (Centrifuge protocol, "fossil").
 *
 * `data` is a JSON string: the whole text, or with `delta: true` the patch that makes it of the one before. `base` is
 * the offset of the publication that the client has; only the next one can be a patch. Each text and each patch is
 * made once, however many subscribers there are.
 */
export class DeltaEncoder {
  readonly #encoded = new Map<string, string>();
  readonly #parsed = new Map<number, Parsed>();

  /** `previous`: the publication before the first, where it is known. */
  constructor(publications: readonly Publication[], previous?: Publication) {
    for (const { offset, body } of previous === undefined ? publications : [previous, ...publications]) {
      const { data, ...rest } = JSON.parse(body) as { data: unknown };
      this.#parsed.set(offset, { offset, text: JSON.stringify(data), rest });
    }
  }

  /** The JSON text of a publication for a client that has the one at `base`. */
  encode(offset: number, base: number | undefined): string {
    const parsed = this.#parsed.get(offset);
    if (parsed === undefined) throw new Error(`publication ${offset} is not among those to encode`);
    const before = base === offset - 1 ? this.#parsed.get(base) : undefined;
    const key = before === undefined ? `${offset}` : `${offset} delta`;
    let text = this.#encoded.get(key);
    if (text === undefined) {
      const patch = before === undefined ? undefined : createPatch(before.text, parsed.text);
      const body = patch === undefined ? { data: parsed.text } : { data: patch, delta: true };
      text = JSON.stringify({ ...parsed.rest, ...body, offset });
      this.#encoded.set(key, text);
    }
    return text;
  }
}

/** A publication without an offset, whole, as a subscriber with delta reads it. */
export function encodeWhole(body: string): string {
  const { data, ...rest } = JSON.parse(body) as { data: unknown };
  return JSON.stringify({ ...rest, data: JSON.stringify(data) });
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
