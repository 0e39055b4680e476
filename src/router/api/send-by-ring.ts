import { addressKey, shardAddress, type ShardAddress } from "../../contracts/address.ts";
import type { Outcome, OwnedMessage, Reached } from "../../contracts/orders.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { shardStub, within } from "../../platform/calls.ts";
import { frontsOf } from "../../platform/fronts.ts";
import { logError } from "../../platform/logger.ts";
import type { Ring } from "../../ring/ring.ts";
import { passBy, passesBy } from "../reach.ts";
import type { RingCache } from "../ring-cache.ts";
import type { Call } from "./method.ts";

const SHARD_WAIT_MS = 3_000;
/** Two rounds reach every owner, or three after a change of the ring; more than this is a fault. */
const MAX_ROUNDS = 8;

/** `data` is JSON text. */
export type Message = Pick<OwnedMessage, "users" | "data">;

/** The outcome at each shard, and the number of calls between objects. */
export type Sent = { readonly outcomes: readonly Outcome<Reached>[]; readonly calls: number };

/**
 * Sends a message to the shards that own the users' names, with one call for each shard.
 *
 * A shard that has a newer ring answers with its descriptor instead; the message then goes to the owners by that ring.
 * Where an owner may have guests elsewhere, the next two owners are called too. The owners by earlier rings are called
 * until each has said once that its sessions have moved (SPEC AP5). A shard that is down may have sessions that nobody
 * else reaches; where it does not answer, it is asked again after a while only (SPEC EL49).
 */
export async function sendByRing({ env, cache }: Call, message: Message): Promise<Sent> {
  const outcomes: Outcome<Reached>[] = [];
  const asked = new Set<string>();
  const spilled = new Set<string>();
  const fronts = frontsOf(env);
  let calls = 0;
  const stillToAsk = () => groupByShard(cache, message.users, { fronts, asked, spilled });
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const ringEpoch = cache.ring.descriptor.epoch;
    const groups = stillToAsk();
    if (groups.size === 0) return { outcomes, calls };
    await Promise.all(
      [...groups.values()].map(async ({ shard, users }) => {
        const startedAt = Date.now();
        const finish = (done: Reached | null): void => {
          for (const user of users) asked.add(pair(shard, user));
          outcomes.push({ name: shard.name, ms: Date.now() - startedAt, done });
        };
        const isDown = cache.isDown(shard);
        if (isDown && passesBy(cache.verdicts, shard.region, startedAt)) return finish(null);
        calls += 1;
        try {
          const sent = shardStub(env, shard).sendOwned(
            { ...message, users: [...users], ringEpoch },
            CONTRACT,
          );
          const answer = await within(SHARD_WAIT_MS, sent);
          if (isDown) cache.verdicts.delete(shard.region);
          if (answer.kind === "newer") return cache.adopt(answer.descriptor);
          if (answer.spilled) spilled.add(shard.id);
          if (answer.settled === true && cache.ring.descriptor.epoch === ringEpoch)
            cache.settled.add(addressKey(shard));
          finish(answer.reached);
        } catch (error) {
          cache.failures.note(shard, error);
          if (isDown) passBy(cache.verdicts, shard.region, Date.now());
          logError("a shard did not take a message", { shard: shard.id, error });
          finish(null);
        }
      }),
    );
  }
  for (const { shard } of stillToAsk().values()) {
    logError("a shard shows newer rings without end", {
      shard: shard.id,
      ringEpoch: cache.ring.descriptor.epoch,
    });
    outcomes.push({ name: shard.name, ms: 0, done: null });
  }
  return { outcomes, calls };
}

const pair = (shard: ShardAddress, user: string): string => `${addressKey(shard)} ${user}`;

type Group = { readonly shard: ShardAddress; readonly users: Set<string> };

/**
 * The shards that still have to be called, each with its users: the owner in each region, the next owners where the
 * owner may have guests elsewhere, and the objects of every front. While sessions move, that holds for the earlier rings too.
 */
function groupByShard(
  { ring, settled }: RingCache,
  users: readonly string[],
  state: {
    readonly fronts: readonly string[];
    readonly asked: ReadonlySet<string>;
    readonly spilled: ReadonlySet<string>;
  },
): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const one of [ring, ...ring.earlier]) {
    for (const user of users) {
      for (const shard of holdersOf(one, user, state)) {
        const key = addressKey(shard);
        if (state.asked.has(pair(shard, user)) || (one !== ring && settled.has(key))) continue;
        const group = groups.get(key) ?? { shard, users: new Set() };
        group.users.add(user);
        groups.set(key, group);
      }
    }
  }
  return groups;
}

/** The objects that may have sessions of a user by one ring. */
function holdersOf(
  ring: Ring,
  user: string,
  { fronts, spilled }: { readonly fronts: readonly string[]; readonly spilled: ReadonlySet<string> },
): ShardAddress[] {
  return ring.regions().flatMap((region) => {
    const [owner, ...next] = ring.owners(user, region);
    if (owner === undefined) return [];
    const owners = spilled.has(owner.id) ? [owner, ...next] : [owner];
    return owners.flatMap((spec) => fronts.map((front) => shardAddress(front, spec)));
  });
}
