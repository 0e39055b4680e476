import type { Config } from "../config/config.ts";
import type { Descriptor } from "../ring/descriptor.ts";

/** The shards that a fresh cluster has, as epoch 0: where to ask, never an authority. */
export function configuredDescriptor({ cluster }: Config): Descriptor {
  const { defaultRegion, initial, initialWeight, seed } = cluster.shards;
  const shards = Array.from({ length: initial }, (_, n) => ({
    id: `${defaultRegion}-${n + 1}`,
    region: defaultRegion,
    weight: initialWeight,
    state: "active" as const,
  }));
  return { epoch: 0, seed, shards, defaultRegion };
}
