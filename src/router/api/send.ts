import type { z } from "zod";
import { coordinatorStub, shardRef, shardStub } from "../../platform/stubs.ts";
import { within } from "../../platform/call.ts";
import type { Outcome } from "../../contracts/fanout.ts";
import { encodeMessage } from "../../centrifuge/push.ts";
import type { ShardSpec } from "../../ring/descriptor.ts";
import type { Ring } from "../../ring/ring.ts";
import { fail, ok, type Answer } from "./answer.ts";
import type { Call } from "./call.ts";
import { describeOutcome } from "./outcomes.ts";
import { readPayload } from "./payload.ts";
import type { sendParams } from "./schemas.ts";

const SHARD_WAIT_MS = 3_000;
const COORDINATOR_WAIT_MS = 6_000;
const OWNERS = 3;

type Sent = { readonly outcomes: readonly Outcome[]; readonly calls: number };

/**
 * Sends a message to every session of some users, at most once (SPEC FO7).
 *
 * `ring`: to the owners of the users' names alone, which is where they are if `affinity.userIsKey` is on; one call for
 * each region, and two more for a shard that has ever been full. `fanout`: to every shard, through the coordinator.
 */
export async function send(call: Call, params: z.infer<typeof sendParams>): Promise<Answer> {
  const { affinity, limits } = call.config.cluster;
  const users = [...new Set([...(params.user === undefined ? [] : [params.user]), ...(params.users ?? [])])];
  if (users.length === 0) return fail("badRequest", "user or users is required");
  if (users.length > limits.apiCommands)
    return fail("badRequest", `at most ${limits.apiCommands} users at once`);
  const payload = readPayload(params);
  if (!payload.ok) return fail("badRequest", payload.reason);
  const frame = encodeMessage(JSON.stringify(payload.data));
  const mode = params.mode === "auto" ? (affinity.userIsKey ? "ring" : "fanout") : params.mode;

  const startedAt = Date.now();
  let sent: Sent;
  try {
    sent = mode === "ring" ? await byRing(call, users, frame) : await byFanOut(call, users, frame);
  } catch (error) {
    console.error("the coordinator could not be asked to send", error);
    return fail("internal", "the coordinator does not answer, and only it knows every shard");
  }
  const reached = new Set(sent.outcomes.flatMap(({ done }) => [...(done?.users.keys() ?? [])]));
  const shards = sent.outcomes.map(({ name, ms, done }) =>
    describeOutcome({ name, ok: done !== null, delivered: done?.sessions ?? 0, ms }),
  );
  return ok({
    mode,
    delivered: shards.reduce((sum, { delivered }) => sum + delivered, 0),
    offline: users.filter((user) => !reached.has(user)),
    shards,
    calls: sent.calls,
    ms: Date.now() - startedAt,
  });
}

async function byFanOut({ env }: Call, users: readonly string[], frame: string): Promise<Sent> {
  const { outcomes, calls } = await within(
    COORDINATOR_WAIT_MS,
    coordinatorStub(env).act({ kind: "send", users, frame }),
  );
  return { outcomes, calls: calls + 1 };
}

/** One call for each shard that owns any of the users. A shard that knows a newer ring does nothing but show it. */
async function byRing({ env, cache }: Call, users: readonly string[], frame: string): Promise<Sent> {
  const outcomes: Outcome[] = [];
  const asked = new Set<string>();
  const spilled = new Set<string>();
  let calls = 0;
  for (;;) {
    const { ring } = cache;
    const ringEpoch = ring.descriptor.epoch;
    const orders = groupByShard(ring, users, { asked, spilled });
    if (orders.size === 0) return { outcomes, calls };
    calls += orders.size;
    await Promise.all(
      [...orders].map(async ([spec, theirs]) => {
        const shard = shardRef(spec);
        const startedAt = Date.now();
        const outcome = (done: Outcome["done"]): void => {
          for (const user of theirs) asked.add(pair(spec, user));
          outcomes.push({ name: shard.name, ms: Date.now() - startedAt, done });
        };
        try {
          const message = { users: theirs, frame, ringEpoch };
          const answer = await within(SHARD_WAIT_MS, shardStub(env, shard).sendOwned(message));
          if (answer.newer !== null) return cache.adopt(answer.newer);
          if (answer.spilled) spilled.add(spec.id);
          outcome(answer.done);
        } catch (error) {
          console.error(`shard ${shard.name} could not be asked to send`, error);
          outcome(null);
        }
      }),
    );
  }
}

const pair = (shard: ShardSpec, user: string): string => `${shard.id} ${user}`;

/** Who is still to be asked for whom: the owner in each region, and the next ones where the owner has spilled. */
function groupByShard(
  ring: Ring,
  users: readonly string[],
  so: { readonly asked: ReadonlySet<string>; readonly spilled: ReadonlySet<string> },
): Map<ShardSpec, string[]> {
  const orders = new Map<ShardSpec, string[]>();
  for (const user of users) {
    for (const region of ring.regions()) {
      const [owner, ...next] = ring.owners(user, region, OWNERS);
      if (owner === undefined) continue;
      for (const shard of so.spilled.has(owner.id) ? [owner, ...next] : [owner]) {
        if (so.asked.has(pair(shard, user))) continue;
        const theirs = orders.get(shard);
        if (theirs === undefined) orders.set(shard, [user]);
        else theirs.push(user);
      }
    }
  }
  return orders;
}
