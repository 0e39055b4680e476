import type { SentAddress } from "../contracts/address.ts";
import {
  isDeliverBranch,
  type Action,
  type Branch,
  type Delivered,
  type Delivery,
  type Outcome,
  type Reached,
} from "../contracts/orders.ts";
import { actOnOne, deliverOne, deliveryTo, outcomeOf, type OutcomeOptions } from "../fanout/fan-out.ts";

/** How a shard carries out its own part of a branch. */
export type RelayParts = {
  readonly env: RingcastEnv;
  readonly isHere: (target: SentAddress) => boolean;
  readonly deliver: (delivery: Delivery) => Delivered | Promise<Delivered>;
  readonly act: (action: Action) => Promise<Reached>;
  readonly onFailed: NonNullable<OutcomeOptions["onFailed"]>;
};

/** Carries out a part of a fan-out for each of its shards, this one among them (SPEC FO5). */
export function relay(
  branch: Branch,
  { env, isHere, deliver, act, onFailed }: RelayParts,
): Promise<Outcome<Delivered | Reached>[]> {
  const { waitMs } = branch;
  return isDeliverBranch(branch)
    ? Promise.all(
        branch.targets.map((target) =>
          outcomeOf<Delivered>(target, { waitMs, onFailed }, async () =>
            isHere(target)
              ? deliver(deliveryTo(branch.order.delivery, target))
              : deliverOne(env, branch.order, target),
          ),
        ),
      )
    : Promise.all(
        branch.targets.map((target) =>
          outcomeOf<Reached>(target, { waitMs, onFailed }, () =>
            isHere(target) ? act(branch.order.action) : actOnOne(env, branch.order, target),
          ),
        ),
      );
}
