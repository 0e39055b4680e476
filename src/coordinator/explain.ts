import type { OwnerReport } from "../contracts/coordinator.ts";
import { buildRing } from "../ring/build.ts";
import type { Store } from "./store.ts";

/** The owner of a key with the reason, and its owner under the epoch before. */
export function explainOwner(store: Store, key: string, clientRegion: string): OwnerReport {
  const { descriptor } = store;
  const before = store.at(descriptor.epoch - 1);
  const previous = before === undefined ? undefined : buildRing(before).owner(key, clientRegion);
  return { ...buildRing(descriptor).explain(key, clientRegion), previousOwner: previous?.id ?? null };
}
