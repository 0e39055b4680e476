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
  readonly #wholes = new Map<number, string>();
  readonly #publications = new Map<number, Publication>();

  /** `previous`: the publication before the first, where it is known. */
  constructor(publications: readonly Publication[], previous?: Publication) {
    for (const publication of previous === undefined ? publications : [previous, ...publications])
      this.#publications.set(publication.offset, publication);
  }

  /** The JSON text of a publication for a client that has the one at `base`. */
  encode(offset: number, base: number | undefined): string {
    const publication = this.#publications.get(offset);
    if (publication === undefined) throw new Error(`publication ${offset} is not among those to encode`);
    const before = base === offset - 1 ? this.#publications.get(base) : undefined;
    const patched = before === undefined ? undefined : patchedOf(before, publication);
    if (patched !== undefined) return patched;
    let whole = this.#wholes.get(offset);
    if (whole === undefined) {
      whole = `${encodeWhole(publication.body).slice(0, -1)},"offset":${offset}}`;
      this.#wholes.set(offset, whole);
    }
    return whole;
  }
}

type Patched = { readonly publication: Publication; readonly text: string | undefined };

/**
 * By the publication before, as the older one is forgotten first: all clients that resume while a shard remembers these
 * publications are sent the same patches (SPEC DL6).
 */
const patchedAfter = new WeakMap<Publication, Patched>();

/** The JSON text of a publication as a patch of the one before; undefined where it is sent whole. */
function patchedOf(before: Publication, publication: Publication): string | undefined {
  const known = patchedAfter.get(before);
  if (known?.publication === publication) return known.text;
  const { json, rest } = splitPublication(forClients(publication.body));
  const patch = createPatch(splitPublication(forClients(before.body)).json, json);
  const text =
    patch === undefined
      ? undefined
      : `{"data":${JSON.stringify(patch)},"delta":true${rest},"offset":${publication.offset}}`;
  patchedAfter.set(before, { publication, text });
  return text;
}

/** A publication without an offset, whole, as a subscriber with delta reads it. */
export function encodeWhole(body: string): string {
  const { json, rest } = splitPublication(forClients(body));
  return `{"data":${JSON.stringify(json)}${rest}}`;
}

/**
 * A patch as text; undefined where the whole is shorter, where the patch would take too long, or where it cuts a
 * character and is no text.
 */
function createPatch(before: string, after: string): string | undefined {
  const encoder = new TextEncoder();
  const source = encoder.encode(before);
  const target = encoder.encode(after);
  if (lookupsOf(source, target) > MOST_LOOKUPS + MOST_LOOKUPS_PER_BYTE * target.byteLength) return undefined;
  const patch = createDelta(source, target);
  if (patch.byteLength >= target.byteLength) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(patch);
  } catch {
    return undefined;
  }
}

/** `fossil-delta` cuts the source into blocks of so many bytes, and finds them by a sum. */
const BLOCK = 16;
/** It compares a place of the target with so many blocks of the same sum. */
const MOST_OF_A_SUM = 250;
/**
 * Texts of people and of programs need one to six for each byte. A client can write a text that needs 250, and would
 * keep each shard of the channel busy for most of a second with one frame.
 */
const MOST_LOOKUPS_PER_BYTE = 8;
/** So many are done in a moment, however short the text. */
const MOST_LOOKUPS = 16_384;

/** How many blocks `fossil-delta` looks at for a patch, at most. */
function lookupsOf(source: Uint8Array, target: Uint8Array): number {
  if (source.length <= BLOCK || target.length <= BLOCK) return 0;
  const slots = Math.ceil(source.length / BLOCK);
  const blocks = new Uint8Array(slots);
  for (let at = 0; at < source.length - BLOCK; at += BLOCK) {
    const slot = new RollingSum(source, at).value % slots;
    blocks[slot] = Math.min((blocks[slot] ?? 0) + 1, MOST_OF_A_SUM);
  }
  let lookups = 0;
  const sum = new RollingSum(target, 0);
  for (let end = BLOCK; end < target.length; end++) {
    lookups += blocks[sum.value % slots] ?? 0;
    sum.roll(target[end - BLOCK] ?? 0, target[end] ?? 0);
  }
  return lookups;
}

/** The sum of a block as `fossil-delta` makes it. */
class RollingSum {
  #plain = 0;
  #weighted = 0;

  constructor(bytes: Uint8Array, at: number) {
    for (let n = 0; n < BLOCK; n++) {
      this.#plain += bytes[at + n] ?? 0;
      this.#weighted += (BLOCK - n) * (bytes[at + n] ?? 0);
    }
  }

  get value(): number {
    return ((this.#plain & 0xffff) | ((this.#weighted & 0xffff) << 16)) >>> 0;
  }

  /** Takes a byte in, and the first one out. */
  roll(first: number, next: number): void {
    this.#plain = (this.#plain - first + next) & 0xffff;
    this.#weighted = (this.#weighted - BLOCK * first + this.#plain) & 0xffff;
  }
}
