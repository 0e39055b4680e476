import type { ShardAddress } from "../contracts/address.ts";
import type { UserSessions } from "../contracts/coordinator.ts";
import type { SessionsLimit, SessionsPage } from "../contracts/shard.ts";
import { CONTRACT } from "../contracts/version.ts";
import { askAll } from "../fanout/ask-all.ts";
import { callNew, shardStub } from "../platform/calls.ts";
import { idsOf } from "./members.ts";

/** The sessions of one answer, and about the bytes that all shards together send for it. */
export const SESSIONS_LISTED = 1_000;
const ANSWER_BYTES = 4_194_304;
const LEAST_PAGE_BYTES = 16_384;

/** The sessions of a user over all shards, so many as an operator can read (SPEC BD40). */
export async function listSessions(
  env: RingcastEnv,
  shards: readonly ShardAddress[],
  { user, orId, waitMs }: { readonly user: string; readonly orId?: boolean; readonly waitMs: number },
): Promise<UserSessions> {
  const bytes = Math.max(LEAST_PAGE_BYTES, Math.floor(ANSWER_BYTES / Math.max(1, shards.length)));
  const limit: SessionsLimit = { sessions: SESSIONS_LISTED, bytes, ...(orId === true ? { orId: user } : {}) };
  const { answers, silent } = await askAll(env, shards, {
    waitMs,
    ask: (_, shard) =>
      callNew<SessionsPage>(
        () => shardStub(env, shard).sessionsUpTo(user, limit, CONTRACT),
        // Release 0.2.0 sends all of them.
        async () => ({ sessions: await shardStub(env, shard).sessionsOf(user, CONTRACT), more: false }),
      ),
  });
  const pages = [...answers.values()];
  const sessions = pages.flatMap((page) => page.sessions);
  const truncated = sessions.length > SESSIONS_LISTED || pages.some(({ more }) => more);
  return {
    sessions: sessions.slice(0, SESSIONS_LISTED),
    unreachable: idsOf(silent),
    ...(truncated ? { truncated } : {}),
  };
}
