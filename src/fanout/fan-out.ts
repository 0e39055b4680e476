import { readAddress, type SentAddress, type ShardAddress } from "../contracts/address.ts";
import type {
  Action,
  ActOrder,
  Delivered,
  Delivery,
  DeliverOrder,
  DeliverTarget,
  FannedOut,
  Outcome,
  Reached,
} from "../contracts/orders.ts";
import { CONTRACT } from "../contracts/version.ts";
import { within, shardStub } from "../platform/calls.ts";
import { logError } from "../platform/logger.ts";
import { planTree } from "./tree.ts";

/** A relay's shards get a part of the time that its sender waits, so that it can say which it has not reached. */
const RELAY_PART = 0.6;

/** How an order of one kind reaches a shard: by a call of its own, or by a relay that calls for others too. */
type Carrier<Target, Done> = {
  readonly direct: (target: Target) => Promise<Done>;
  readonly relay: (relay: Target, targets: readonly Target[], waitMs: number) => Promise<Outcome<Done>[]>;
};

/**
 * Hands a delivery to many shards at once: directly, or above 32 of them down a tree of depth two (SPEC FO5).
 *
 * A shard that a relay did not reach has no `done`: its lane calls it again. Outcomes are in the order of the targets.
 */
export function deliverAll(
  env: RingcastEnv,
  order: DeliverOrder,
  targets: readonly DeliverTarget[],
  waitMs: number,
): Promise<FannedOut<Delivered>> {
  const carrier: Carrier<DeliverTarget, Delivered> = {
    direct: (target) => deliverOne(env, order, target),
    relay: async (relay, branch, relayMs) => {
      const answer = shardStub(env, relay).relay({ order, targets: branch, waitMs: relayMs }, CONTRACT);
      // A relay answers a delivery with deliveries.
      return (await answer) as Outcome<Delivered>[];
    },
  };
  return fanOut({ targets, waitMs, repeat: false }, carrier);
}

/**
 * Hands an action to many shards, as {@link deliverAll} does. A shard that a relay did not reach is called directly,
 * once, where the action may reach it twice: everything but a message may (SPEC FO5, FO7).
 */
export function actOnAll(
  env: RingcastEnv,
  action: Action,
  to: { readonly targets: readonly SentAddress[]; readonly waitMs: number },
): Promise<FannedOut<Reached>> {
  const order: ActOrder = { kind: "act", action };
  const carrier: Carrier<SentAddress, Reached> = {
    direct: (target) => actOnOne(env, order, target),
    relay: async (relay, branch, relayMs) => {
      const answer = shardStub(env, relay).relay({ order, targets: branch, waitMs: relayMs }, CONTRACT);
      // A relay answers an action with actions.
      return (await answer) as Outcome<Reached>[];
    },
  };
  return fanOut({ ...to, repeat: action.kind !== "send" }, carrier);
}

export const deliverOne = (
  env: RingcastEnv,
  { delivery }: DeliverOrder,
  target: DeliverTarget,
): Promise<Delivered> => shardStub(env, target).deliver(deliveryTo(delivery, target), CONTRACT);

/** The delivery that one target gets. */
export const deliveryTo = (
  delivery: DeliverOrder["delivery"],
  { registration, mayRepeat, usage }: DeliverTarget,
): Delivery => ({ ...delivery, registration, mayRepeat, ...(usage === undefined ? {} : { usage }) });

export const actOnOne = (env: RingcastEnv, order: ActOrder, shard: SentAddress): Promise<Reached> =>
  shardStub(env, shard).carryOut(order, shard, CONTRACT);

export type OutcomeOptions = {
  readonly waitMs: number;
  readonly onFailed?: (shard: ShardAddress, error: unknown) => void;
};

/** The outcome of a call to a shard, within `waitMs`. Never rejects. */
export async function outcomeOf<Done>(
  target: SentAddress,
  { waitMs, onFailed }: OutcomeOptions,
  call: () => Promise<Done>,
): Promise<Outcome<Done>> {
  const started = Date.now();
  let done: Done | null = null;
  try {
    done = await within(waitMs, call());
  } catch (error) {
    const shard = readAddress(target);
    onFailed?.(shard, error);
    logError("a shard was not reached", { shard: shard.id, error });
  }
  return { name: target.name, ms: Date.now() - started, done };
}

async function fanOut<Target extends SentAddress, Done>(
  to: { readonly targets: readonly Target[]; readonly waitMs: number; readonly repeat: boolean },
  carrier: Carrier<Target, Done>,
): Promise<FannedOut<Done>> {
  const { waitMs } = to;
  const started = Date.now();
  let calls = 0;
  const direct = (target: Target): Promise<Outcome<Done>> => {
    calls += 1;
    return outcomeOf(target, { waitMs }, () => carrier.direct(target));
  };
  const branches = planTree(to.targets);
  const outcomes = await Promise.all(
    branches.map(async ({ relay, others }): Promise<Outcome<Done>[]> => {
      if (others.length === 0) return [await direct(relay)];
      calls += 1 + others.length;
      const targets = [relay, ...others];
      const relayed = await within(waitMs, carrier.relay(relay, targets, waitMs * RELAY_PART)).catch(
        (error: unknown) => {
          logError("a relay did not answer", {
            shard: readAddress(relay).id,
            targets: targets.length,
            error,
          });
          return targets.map(({ name }) => ({ name, ms: Date.now() - started, done: null }));
        },
      );
      if (!to.repeat) return relayed;
      return Promise.all(
        relayed.map(async (outcome, n) => {
          const target = targets[n];
          return outcome.done === null && target !== undefined ? direct(target) : outcome;
        }),
      );
    }),
  );
  return { outcomes: outcomes.flat(), calls };
}
