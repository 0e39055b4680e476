import { checkShards, type Descriptor } from "./descriptor.ts";
import { type Placement, ringPlacement } from "./placement.ts";
import { Ring } from "./ring.ts";

/**
 * The ring of a descriptor. Cheap: the tables are computed when they are first asked for.
 *
 * Throws on a descriptor that `checkShards` refuses; what comes from outside MUST be checked before.
 */
export function buildRing(
  descriptor: Descriptor,
  placement: Placement = ringPlacement(descriptor.seed),
): Ring {
  const checked = checkShards(descriptor);
  if (!checked.ok) throw new RangeError(`no ring can be built: ${JSON.stringify(checked.reason)}`);
  return new Ring(descriptor, placement);
}
