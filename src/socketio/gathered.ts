import { hasTimedOut } from "./acks.ts";
import { unpack } from "./packed.ts";

/** The answers of one shard. `missing`: so many sockets have not answered. `isOver`: they were too long. */
export type Gathered = {
  readonly answers: readonly string[];
  readonly missing: number;
  readonly isOver: boolean;
};

export type Sum = { readonly error: Error | null; readonly answers: unknown[] };

/** What all shards have answered, as the emitter gets it; the words are a stock server's. */
export function sumOf(results: readonly PromiseSettledResult<unknown>[]): Sum {
  const gathered = results.map((result) =>
    result.status === "fulfilled" ? (result.value as Gathered) : undefined,
  );
  const answers = gathered.flatMap((one) => one?.answers.map((text) => unpack(text)[0]) ?? []);
  if (gathered.some((one) => one?.isOver === true))
    return { error: new Error("the answers are too long together"), answers };
  const isWhole = gathered.every((one) => one?.missing === 0);
  return { error: isWhole ? null : hasTimedOut(), answers };
}
