import type { ShardAddress } from "../contracts/address.ts";
import { mergeUsers, NO_USERS } from "../contracts/distinct-users.ts";
import {
  bytesOfPresent,
  countPresence,
  limitPresence,
  type PresenceCount,
  type PresenceLimit,
  type PresenceList,
} from "../contracts/presence.ts";
import type { Present } from "../contracts/publication.ts";
import { CONTRACT } from "../contracts/version.ts";
import { callAgain, callNew, shardStub, within } from "../platform/calls.ts";
import type { Failures } from "../platform/failures.ts";

/** How long the channel waits for a shard that it asks for its clients. */
const WAIT_MS = 2_000;
/** Lists come from so many shards at a time: each may be as large as the limit. */
const LISTS_AT_ONCE = 8;

type Parts = {
  readonly env: RingcastEnv;
  readonly channel: string;
  /** The calls to shards that the channel has seen fail. */
  readonly failures: Pick<Failures, "note">;
};

/** Lists the clients that shards have, up to a limit over all of them (SPEC BD64). Rejects if a shard does not answer. */
export async function listPresence(
  { env, channel, failures }: Parts,
  shards: readonly ShardAddress[],
  limit: PresenceLimit,
): Promise<PresenceList> {
  const present: Present[] = [];
  let left = limit;
  for (let n = 0; n < shards.length; n += LISTS_AT_ONCE) {
    const asked = left;
    const parts = await Promise.all(
      shards.slice(n, n + LISTS_AT_ONCE).map((shard) =>
        ask(shard, failures, () =>
          callNew(
            () => shardStub(env, shard).presenceUpTo(channel, asked, CONTRACT),
            async () => limitPresence(await shardStub(env, shard).presenceHere(channel, CONTRACT), asked),
          ),
        ),
      ),
    );
    for (const part of parts) {
      if (part.kind === "tooLarge") return part;
      const bytes = part.present.reduce((sum, one) => sum + bytesOfPresent(one), 0);
      left = { clients: left.clients - part.present.length, bytes: left.bytes - bytes };
      if (left.clients < 0 || left.bytes < 0) return { kind: "tooLarge" };
      for (const one of part.present) present.push(one);
    }
  }
  return { kind: "present", present };
}

/** Counts the clients and users that shards have; no list moves. Rejects if a shard does not answer. */
export async function countPresent(
  { env, channel, failures }: Parts,
  shards: readonly ShardAddress[],
): Promise<PresenceCount> {
  let [clients, users] = [0, NO_USERS];
  await Promise.all(
    shards.map(async (shard) => {
      const part = await ask(shard, failures, () =>
        callNew(
          () => shardStub(env, shard).presenceCount(channel, CONTRACT),
          async () => countPresence(await shardStub(env, shard).presenceHere(channel, CONTRACT)),
        ),
      );
      clients += part.clients;
      users = mergeUsers(users, part.users);
    }),
  );
  return { clients, users };
}

/** The coordinator hears of the calls that fail (SPEC EL61). */
const ask = <T>(shard: ShardAddress, failures: Parts["failures"], call: () => Promise<T>): Promise<T> =>
  callAgain(async () => {
    try {
      return await within(WAIT_MS, call());
    } catch (error) {
      failures.note(shard, error);
      throw error;
    }
  });
