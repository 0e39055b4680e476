import { objectName } from "../../contracts/address.ts";
import type { Refusal, Route } from "../../contracts/route.ts";
import type { Ring } from "../../ring/ring.ts";

/** A router of 0.2.0 would take the bound for a lack of room, and refuse the client. */
const knowsBounds = ({ contract, unbounded }: Route): boolean => contract >= 3 && unbounded !== true;

/**
 * Whether a shard takes a connection. It goes by its own descriptor: it MUST be the first owner that has not
 * refused. A shard that knows less than the router says so instead of guessing.
 */
export function planAdmission(admission: {
  readonly ring: Ring | undefined;
  readonly shardName: string;
  readonly route: Route;
  /** Whether the shard may hold one more socket. */
  readonly hasRoom: boolean;
  /** Whether the shard has as many sessions as it should have by the mean of its region. */
  readonly isAtBound: boolean;
}): { readonly kind: "accept"; readonly rank: number } | Exclude<Refusal, { kind: "busy" }> {
  const { ring, route, shardName } = admission;
  if (ring === undefined) return { kind: "behind", ringEpoch: 0 };
  const { descriptor } = ring;
  if (route.ringEpoch > descriptor.epoch) return { kind: "behind", ringEpoch: descriptor.epoch };
  // The router may not know yet that the coordinator has decided about the region.
  if (route.unreachable !== undefined && route.ringEpoch < descriptor.epoch)
    return { kind: "misdirected", descriptor };
  const owners = ring.owners(route.key, ring.placingRegion(route));
  const rank = owners.findIndex((owner) => !route.refused.includes(owner.id));
  const first = owners[rank];
  if (first === undefined || objectName(first) !== shardName) return { kind: "misdirected", descriptor };
  if (!admission.hasRoom) return { kind: "full" };
  if (admission.isAtBound && knowsBounds(route)) return { kind: "full", bound: true };
  return { kind: "accept", rank };
}
