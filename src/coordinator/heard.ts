import type { ClusterConfig } from "../config/cluster.ts";
import { addressKey, type ShardAddress } from "../contracts/address.ts";
import { descriptorFor } from "../contracts/descriptor.ts";
import type { ReportAnswer } from "../contracts/coordinator.ts";
import type { ShardStatus } from "../contracts/shard.ts";
import { CONTRACT } from "../contracts/version.ts";
import { digest } from "../ring/descriptor.ts";
import { boundOf } from "./bound.ts";
import { guestsElsewhere } from "./guests.ts";
import type { Members } from "./members.ts";
import type { Store } from "./store.ts";

/** The answers to reports, which tell a shard about the others: from memory, as every report asks about all of them. */
export class Heard {
  readonly #store: Store;
  readonly #members: Members;
  readonly #scale: ClusterConfig["scale"];
  /** The last status of each object that may have sessions, by the key of its address; from the store in a new life. */
  #statuses: Map<string, ShardStatus> | undefined;
  #epoch = 0;

  constructor(store: Store, members: Members, scale: ClusterConfig["scale"]) {
    this.#store = store;
    this.#members = members;
    this.#scale = scale;
  }

  /** The answer to a report that the store has kept. */
  answer(shard: ShardAddress, status: ShardStatus, contract: number): ReportAnswer {
    const present = this.#store.descriptor;
    const descriptor = digest(present) === status.digest ? null : descriptorFor(contract, present);
    if (contract < CONTRACT) return { descriptor };
    const statuses = this.#read();
    const key = addressKey(shard);
    const kept = this.#store.lastReport(shard)?.status;
    if (kept !== undefined && this.#members.holderKeys().has(key)) statuses.set(key, kept);
    const { boundFactor: factor, boundFloor: floor } = this.#scale;
    const elsewhere = guestsElsewhere(shard, {
      epoch: present.epoch,
      holders: this.#members.holders(),
      statuses,
      settled: () => this.#store.settledShards(),
    });
    return { descriptor, elsewhere, bound: boundOf(shard, { descriptor: present, statuses, factor, floor }) };
  }

  #read(): Map<string, ShardStatus> {
    const { epoch } = this.#store.descriptor;
    if (this.#statuses === undefined || this.#epoch !== epoch) {
      this.#statuses = new Map(
        this.#members.holders().flatMap((object) => {
          const report = this.#store.lastReport(object);
          return report === undefined ? [] : [[addressKey(object), report.status]];
        }),
      );
      this.#epoch = epoch;
    }
    return this.#statuses;
  }
}
