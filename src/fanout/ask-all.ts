import { addressKey, type ShardAddress } from "../contracts/address.ts";
import type { ShardContract } from "../contracts/shard.ts";
import { within, shardStub } from "../platform/calls.ts";
import { logError } from "../platform/logger.ts";

export type Answers<T> = {
  /** By the key of the shard's address. */
  readonly answers: ReadonlyMap<string, T>;
  /** Shards that failed or did not answer in time. */
  readonly silent: readonly ShardAddress[];
};

/** Asks every shard at once; one that does not answer holds up the others for `waitMs` and no longer. */
export async function askAll<T>(
  env: RingcastEnv,
  shards: Iterable<ShardAddress>,
  question: {
    readonly waitMs: number;
    readonly ask: (stub: ShardContract, shard: ShardAddress) => Promise<T>;
  },
): Promise<Answers<T>> {
  const answers = new Map<string, T>();
  const silent: ShardAddress[] = [];
  await Promise.all(
    [...shards].map(async (shard) => {
      try {
        const answer = await within(question.waitMs, question.ask(shardStub(env, shard), shard));
        answers.set(addressKey(shard), answer);
      } catch (error) {
        logError("a shard did not answer", { shard: shard.id, front: shard.front, error });
        silent.push(shard);
      }
    }),
  );
  return { answers, silent };
}
