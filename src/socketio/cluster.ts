import type { Config } from "../config/config.ts";
import { hasShard } from "../contracts/descriptor.ts";
import { CONTRACT } from "../contracts/version.ts";
import { coordinatorStub, within } from "../platform/calls.ts";
import { configOf } from "../platform/config.ts";
import { channelPublisher } from "../platform/publisher.ts";
import type { AskShardParts } from "./ask-shard.ts";
import { clusterWork } from "./cluster-work.ts";
import { Namespace } from "./namespace.ts";
import type { Events } from "./types.ts";

/**
 * The Socket.IO server as any code of the Worker sees it: a handler of requests, a hook, a consumer of a queue. MUST be
 * made for each request, as requests share no promises.
 */
export function socketioOf<Emit extends Events, ServerSide extends Events, Data>(
  env: RingcastEnv,
  { onFailed }: Pick<AskShardParts, "onFailed"> = {},
): Namespace<Emit, ServerSide, Data> {
  const config: Config = configOf(env);
  const { deliveryTimeoutMs } = config.cluster.times;
  const ask = () => within(deliveryTimeoutMs, coordinatorStub(env).descriptor(CONTRACT));
  let asked: ReturnType<typeof ask> | undefined;
  const descriptor = () => (asked ??= ask());
  const work = clusterWork({
    env,
    publisher: channelPublisher(env, deliveryTimeoutMs),
    config,
    shards: async () => (await descriptor()).shards,
    isShard: async (named) => hasShard(await descriptor(), named),
    ...(onFailed === undefined ? {} : { onFailed }),
  });
  return new Namespace(work, "/");
}
