import { shardAddress, type ShardAddress } from "../contracts/address.ts";
import { CONTRACT } from "../contracts/version.ts";
import { shardStub, within } from "../platform/calls.ts";
import { FRONT } from "./names.ts";

export type AskShardParts = {
  readonly env: RingcastEnv;
  /** Hears of each call that has failed (SPEC EL61). */
  readonly onFailed?: (shard: ShardAddress, error: unknown) => void;
};

/** Asks the Socket.IO shard of this name. Rejects where it does not answer within `ms`. */
export async function askShard(
  { env, onFailed }: AskShardParts,
  named: Pick<ShardAddress, "region" | "id">,
  { question, ms }: { readonly question: string; readonly ms: number },
): Promise<string> {
  const shard = shardAddress(FRONT, named);
  try {
    return await within(ms, shardStub(env, shard).askFront(question, CONTRACT));
  } catch (error) {
    onFailed?.(shard, error);
    throw error;
  }
}
