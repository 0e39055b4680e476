import type { Descriptor } from "../ring/descriptor.ts";

/** The first contract whose descriptors name earlier ones. */
const NAMES_EARLIER = 3;

/** A descriptor in an answer, in the shape of the caller's contract (SPEC CT1). */
export function descriptorFor(contract: number, descriptor: Descriptor): Descriptor {
  if (contract >= NAMES_EARLIER) return descriptor;
  const { earlier: _earlier, ...sent } = descriptor;
  return sent;
}
