import { channelPublisher } from "../platform/publisher.ts";
import { resultValue } from "../router/api/answer.ts";
import { AnswerBudget } from "../router/api/answer-budget.ts";
import { runMethod } from "../router/api/run-method.ts";
import type { PartsOf } from "../router/parts.ts";
import type { Answer, Server } from "./server-types.ts";
import { signConnection, signSubscription } from "./sign-token.ts";

/**
 * The server API for the deployment's own code: it calls the objects directly, with no key and no HTTP (SPEC PK1). Each
 * method is the one that `POST /api/<method>` runs.
 *
 * MUST be made for each request or event, which costs nothing: its publications to one channel go there together and in
 * order, and requests share no promises. Throws `ConfigError`.
 */
export function createServer(env: RingcastEnv, partsOf: PartsOf): Server {
  const { config, cache, schemas } = partsOf(env);
  const { times, limits } = config.cluster;
  const publisher = channelPublisher(env, times.deliveryTimeoutMs);
  const run = async <Result>(name: string, params: object): Promise<Answer<Result>> => {
    const answers = new AnswerBudget(limits.apiAnswerBytes);
    const call = { env, config, cache, schemas, publisher, answers };
    const answer = await runMethod(call, { name, params, access: "full" });
    return "error" in answer ? answer : { result: resultValue(answer.result) as Result };
  };
  return {
    publish: (channel, data, options) => run("publish", { ...options, channel, data }),
    broadcast: (channels, data, options) => run("broadcast", { ...options, channels, data }),
    send: (to, data, options) =>
      run("send", { ...options, ...(typeof to === "string" ? { user: to } : { users: to }), data }),
    subscribe: (user, channel, options) => run("subscribe", { ...options, user, channel }),
    unsubscribe: (user, channel, options) => run("unsubscribe", { ...options, user, channel }),
    disconnect: (user, options) => run("disconnect", { ...options, user }),
    refresh: (user, options) => run("refresh", { ...options, user }),
    presence: (channel) => run("presence", { channel }),
    presenceStats: (channel) => run("presence_stats", { channel }),
    history: (channel, options) => run("history", { ...options, channel }),
    removeHistory: (channel) => run("history_remove", { channel }),
    channels: (pattern) => run("channels", { pattern }),
    info: () => run("info", {}),
    token: (user, claims) => signConnection({ env, config }, user, claims),
    subscriptionToken: (user, channel, claims) =>
      signSubscription({ env, config }, { user, channel }, claims),
  };
}
