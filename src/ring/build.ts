import { checkShards, type Descriptor } from "./descriptor.ts";
import { type Placement, ringPlacement } from "./placement.ts";
import { Ring } from "./ring.ts";

/** The objects of one isolate have a few rings between them; a ring may have a table of 128 KiB for each region. */
const RINGS_KEPT = 8;
/** By the text of the descriptor, the one used last at the end. A ring never changes, so its users share it. */
const rings = new Map<string, Ring>();

/**
 * The ring of a descriptor. Cheap: the tables are computed when they are first asked for, and once for the objects of an
 * isolate that have the same descriptor (SPEC SM6).
 *
 * Throws on a descriptor that `checkShards` refuses; what comes from outside MUST be checked before.
 */
export function buildRing(descriptor: Descriptor, placement?: Placement): Ring {
  if (placement !== undefined) {
    mustBeSound(descriptor);
    return new Ring(descriptor, placement);
  }
  const text = JSON.stringify(descriptor);
  const ring = rings.get(text) ?? sharedRing(descriptor, text);
  rings.delete(text);
  rings.set(text, ring);
  const [oldest] = rings.keys();
  if (rings.size > RINGS_KEPT && oldest !== undefined) rings.delete(oldest);
  return ring;
}

/** It has a descriptor of its own, as the caller may change the given one. */
function sharedRing(descriptor: Descriptor, text: string): Ring {
  mustBeSound(descriptor);
  return new Ring(JSON.parse(text) as Descriptor, ringPlacement(descriptor.seed));
}

function mustBeSound(descriptor: Descriptor): void {
  const checked = checkShards(descriptor);
  if (!checked.ok) throw new RangeError(`no ring can be built: ${JSON.stringify(checked.reason)}`);
}
