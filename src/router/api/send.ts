import type { z } from "zod";
import { encodeMessage } from "../../centrifuge/reply.ts";
import { addressKey, shardAddress, type ShardAddress } from "../../contracts/address.ts";
import { readFannedOut, readSent } from "../../contracts/contract-1.ts";
import type { Outcome, OwnedMessage, Reached } from "../../contracts/orders.ts";
import { OWNERS } from "../../contracts/route.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub, shardStub, within } from "../../platform/calls.ts";
import { frontsOf } from "../../platform/fronts.ts";
import { logError } from "../../platform/logger.ts";
import type { Ring } from "../../ring/ring.ts";
import { describeOutcome } from "../outcomes.ts";
import { fail, ok, type Answer } from "./answer.ts";
import type { Call } from "./call.ts";
import { readPayload } from "./payload.ts";
import type { sendParams } from "./schemas.ts";

const SHARD_WAIT_MS = 3_000;
const COORDINATOR_WAIT_MS = 6_000;

/** `data` is JSON text; `frame` is the same for shards of contract 1. */
type Message = Pick<OwnedMessage, "users" | "frame"> & { readonly data: string };

type Sent = { readonly outcomes: readonly Outcome<Reached>[]; readonly calls: number };

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
  const data = JSON.stringify(payload.data);
  const message = { users, data, frame: encodeMessage(data) };
  const mode = params.mode === "auto" ? (affinity.userIsKey ? "ring" : "fanout") : params.mode;

  const startedAt = Date.now();
  let sent: Sent;
  try {
    sent = mode === "ring" ? await byRing(call, message) : await byFanOut(call, message);
  } catch (error) {
    logError("the coordinator did not hand out a message", { error });
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

async function byFanOut({ env }: Call, message: Message): Promise<Sent> {
  const answer = coordinatorStub(env).act({ kind: "send", ...message }, CONTRACT);
  const { outcomes, calls } = readFannedOut(await within(COORDINATOR_WAIT_MS, answer));
  return { outcomes, calls: calls + 1 };
}

/** One call for each shard that owns any of the users. A shard that knows a newer ring does nothing but show it. */
async function byRing({ env, cache }: Call, message: Message): Promise<Sent> {
  const outcomes: Outcome<Reached>[] = [];
  const asked = new Set<string>();
  const spilled = new Set<string>();
  const fronts = frontsOf(env);
  let calls = 0;
  for (;;) {
    const { ring } = cache;
    const ringEpoch = ring.descriptor.epoch;
    const groups = groupByShard(ring, message.users, { fronts, asked, spilled });
    if (groups.size === 0) return { outcomes, calls };
    calls += groups.size;
    await Promise.all(
      [...groups.values()].map(async ({ shard, users }) => {
        const startedAt = Date.now();
        const finish = (done: Reached | null): void => {
          for (const user of users) asked.add(pair(shard, user));
          outcomes.push({ name: shard.name, ms: Date.now() - startedAt, done });
        };
        try {
          const sent = shardStub(env, shard).sendOwned({ ...message, users, ringEpoch }, CONTRACT);
          const answer = readSent(await within(SHARD_WAIT_MS, sent));
          if (answer.kind === "newer") return cache.adopt(answer.descriptor);
          if (answer.spilled) spilled.add(shard.id);
          finish(answer.reached);
        } catch (error) {
          logError("a shard did not take a message", { shard: shard.id, error });
          finish(null);
        }
      }),
    );
  }
}

const pair = (shard: ShardAddress, user: string): string => `${addressKey(shard)} ${user}`;

/**
 * The shards that are still to be asked, each with its users: the owner in each region, the next ones where the owner
 * has spilled, and of each the objects of every front.
 */
function groupByShard(
  ring: Ring,
  users: readonly string[],
  so: {
    readonly fronts: readonly string[];
    readonly asked: ReadonlySet<string>;
    readonly spilled: ReadonlySet<string>;
  },
): Map<string, { readonly shard: ShardAddress; readonly users: string[] }> {
  const groups = new Map<string, { readonly shard: ShardAddress; readonly users: string[] }>();
  for (const user of users) {
    for (const region of ring.regions()) {
      const [owner, ...next] = ring.owners(user, region, OWNERS);
      if (owner === undefined) continue;
      const owners = so.spilled.has(owner.id) ? [owner, ...next] : [owner];
      for (const shard of owners.flatMap((spec) => so.fronts.map((front) => shardAddress(front, spec)))) {
        if (so.asked.has(pair(shard, user))) continue;
        const group = groups.get(addressKey(shard));
        if (group === undefined) groups.set(addressKey(shard), { shard, users: [user] });
        else group.users.push(user);
      }
    }
  }
  return groups;
}
