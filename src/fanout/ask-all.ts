import { within } from "../platform/call.ts";
import { shardStub, type ShardRef } from "../platform/stubs.ts";

type ShardStub = ReturnType<typeof shardStub>;

export type Answers<T> = {
  readonly answers: ReadonlyMap<string, T>;
  /** The object names of shards that failed or did not answer in time. */
  readonly silent: readonly string[];
};

/** Asks every shard at once; one that does not answer holds up the others for `waitMs` and no longer. */
export async function askAll<T>(
  env: Cloudflare.Env,
  shards: Iterable<ShardRef>,
  question: { readonly waitMs: number; readonly ask: (stub: ShardStub, shard: ShardRef) => Promise<T> },
): Promise<Answers<T>> {
  const answers = new Map<string, T>();
  const silent: string[] = [];
  await Promise.all(
    [...shards].map(async (shard) => {
      try {
        answers.set(shard.name, await within(question.waitMs, question.ask(shardStub(env, shard), shard)));
      } catch (error) {
        console.error(`shard ${shard.name} did not answer`, error);
        silent.push(shard.name);
      }
    }),
  );
  return { answers, silent };
}
