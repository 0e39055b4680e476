import type { ClusterConfig } from "../config/cluster.ts";
import type { ShardAddress } from "../contracts/address.ts";
import type { ReportAnswer } from "../contracts/coordinator.ts";
import { descriptorFor } from "../contracts/descriptor.ts";
import type { ShardStatus } from "../contracts/shard.ts";
import { CONTRACT } from "../contracts/version.ts";
import { digest } from "../ring/descriptor.ts";
import { boundOf } from "./bound.ts";
import { guestsElsewhere } from "./guests.ts";
import type { Members } from "./members.ts";
import type { Store } from "./store.ts";

/** The answer to a report that the store has kept: it tells the shard about the others, as they have last reported. */
export function answerReport(
  { shard, status }: { readonly shard: ShardAddress; readonly status: ShardStatus },
  parts: {
    readonly store: Store;
    readonly members: Members;
    readonly scale: ClusterConfig["scale"];
    readonly contract: number;
  },
): ReportAnswer {
  const { store, members, scale, contract } = parts;
  const present = store.descriptor;
  const descriptor = digest(present) === status.digest ? null : descriptorFor(contract, present);
  if (contract < CONTRACT) return { descriptor };
  const { statuses } = store;
  const elsewhere = guestsElsewhere(shard, {
    epoch: present.epoch,
    holders: members.holders(),
    statuses,
    settled: () => store.settledShards(),
  });
  const { boundFactor: factor, boundFloor: floor } = scale;
  return { descriptor, elsewhere, bound: boundOf(shard, { descriptor: present, statuses, factor, floor }) };
}
