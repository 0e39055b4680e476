import type { Config } from "../config/config.ts";
import { readAddress, type SentAddress, type ShardAddress } from "../contracts/address.ts";
import { descriptorFor } from "../contracts/descriptor.ts";
import type {
  Action,
  Branch,
  Delivered,
  Delivery,
  Outcome,
  OwnedMessage,
  Reached,
  SentByRing,
} from "../contracts/orders.ts";
import { CONTRACT } from "../contracts/version.ts";
import { act } from "./actions.ts";
import type { Session } from "./connections/session.ts";
import type { Floors } from "./floors.ts";
import { relay } from "./relay.ts";
import type { Wire } from "./wire.ts";

export type OrdersParts = {
  readonly env: RingcastEnv;
  readonly config: Config;
  readonly shard: ShardAddress;
  readonly wire: Wire;
  readonly floors: Pick<Floors, "armSweep" | "asker" | "connections" | "moves" | "subscriptions">;
  /** Takes a delivery for the sessions here. */
  readonly deliver: (delivery: Delivery) => Delivered | Promise<Delivered>;
};

/** The orders of routers, channels and the coordinator for the sessions of this shard, and of others that it calls for them. */
export class Orders {
  readonly #parts: OrdersParts;

  constructor(parts: OrdersParts) {
    this.#parts = parts;
  }

  /** Carries out an action for the sessions that are here. */
  async act(action: Action): Promise<Reached> {
    const { config, floors, wire } = this.#parts;
    const { armSweep, asker, connections, subscriptions } = floors;
    const isAsking = (session: Session): boolean => asker.isAskedFor(session.attachment.id);
    try {
      return await act({ config, connections, subscriptions, wire, isAsking }, action);
    } finally {
      // A session that was given an expiry is looked at when it is due, also where another could not carry out the order.
      if (action.kind !== "send")
        for (const session of connections.sessions.ofUser(action.user)) await armSweep(session);
    }
  }

  /** See `ShardContract.sendOwned`. */
  async sendOwned({ ringEpoch, ...sent }: OwnedMessage, contract: number): Promise<SentByRing> {
    const { moves } = this.#parts.floors;
    const spilled = moves.guests.mayBeElsewhere;
    const known = moves.membership.ring?.descriptor;
    if (known !== undefined && known.epoch > ringEpoch)
      return { kind: "newer", descriptor: descriptorFor(contract, known), spilled };
    // Sessions that have spilled may stay where only an earlier ring finds them.
    const settled = known?.epoch === ringEpoch && !spilled && moves.settled;
    const reached = await this.act({ kind: "send", ...sent });
    return { kind: "sent", reached, spilled, ...(contract < CONTRACT ? {} : { settled }) };
  }

  /** Carries out a part of a fan-out for each of its shards, this one among them. */
  relay(branch: Branch): Promise<Outcome<Delivered | Reached>[]> {
    const { env, deliver, floors } = this.#parts;
    return relay(branch, {
      env,
      isHere: (target) => this.#isHere(target),
      deliver,
      act: (action) => this.act(action),
      onFailed: (shard, error) => floors.moves.reports.callFailed(shard, error),
    });
  }

  #isHere(target: SentAddress): boolean {
    const { front, name } = readAddress(target);
    const { shard } = this.#parts;
    return front === shard.front && name === shard.name;
  }
}
