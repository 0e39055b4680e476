import { planTree } from "./tree.ts";
import type { Done, Order, Outcome, Target } from "../contracts/fanout.ts";
import { within } from "../platform/call.ts";
import { shardStub } from "../platform/stubs.ts";

export type FannedOut = {
  readonly outcomes: readonly Outcome[];
  /** Calls between objects that it took, those of relays included. */
  readonly calls: number;
};

/** What a relay may take is less than what its sender waits, so that it can say what it has not reached. */
const RELAY_PART = 0.6;

/**
 * Hands an order to many shards at once: directly, or above 32 of them down a tree of depth two. What a relay could
 * not reach, or a relay that did not answer with all of its branch, is called directly, once (SPEC FO5).
 *
 * An order that a shard may have got twice MUST be harmless: deliveries are, and what is sent to users is not called
 * again (`repeat` false).
 */
export async function fanOut(
  env: Cloudflare.Env,
  order: Order,
  to: { readonly targets: readonly Target[]; readonly waitMs: number; readonly repeat: boolean },
): Promise<FannedOut> {
  let calls = 0;
  const started = Date.now();
  const direct = (target: Target, waitMs: number): Promise<Outcome> => {
    calls += 1;
    return callOne(env, { order, target, waitMs });
  };
  const branches = planTree(to.targets);
  const outcomes = await Promise.all(
    branches.map(async ({ relay, others }): Promise<Outcome[]> => {
      if (others.length === 0) return [await direct(relay, to.waitMs)];
      calls += 1 + others.length;
      const targets = [relay, ...others];
      const relayed = await within(
        to.waitMs,
        shardStub(env, relay).relay({ order, targets, waitMs: to.waitMs * RELAY_PART }),
      ).catch((error: unknown) => {
        console.error(`relay ${relay.name} did not answer`, error);
        return targets.map(({ name }) => ({ name, ms: Date.now() - started, done: null }));
      });
      if (!to.repeat) return relayed;
      return Promise.all(
        relayed.map(async (outcome, n) =>
          outcome.done === null ? direct(targets[n] as Target, to.waitMs) : outcome,
        ),
      );
    }),
  );
  return { outcomes: outcomes.flat(), calls };
}

/** One shard's part. Never rejects. */
export const callOne = (
  env: Cloudflare.Env,
  { order, target, waitMs }: { readonly order: Order; readonly target: Target; readonly waitMs: number },
): Promise<Outcome> => timed(target, () => within(waitMs, shardStub(env, target).carryOut(order, target)));

/** What came of a call, and how long it took. Never rejects. */
export async function timed(target: Target, call: () => Promise<Done>): Promise<Outcome> {
  const started = Date.now();
  let done: Done | null = null;
  try {
    done = await call();
  } catch (error) {
    console.error(`shard ${target.name} was not reached`, error);
  }
  return { name: target.name, ms: Date.now() - started, done };
}
