import type * as z from "zod";
import { DISCONNECTS } from "../../centrifuge/codes.ts";
import type { Action } from "../../contracts/orders.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { callAgainWithin, coordinatorStub } from "../../platform/calls.ts";
import { logError } from "../../platform/logger.ts";
import { isBroadcast, missingNamespace, namespaceOf, parseChannel } from "../../policy/channels.ts";
import { unreachedIds } from "../outcomes.ts";
import { fail, ok, type Answer } from "./answer.ts";
import type { Call } from "./method.ts";
import { readValue } from "./payload.ts";
import type { disconnectParams, refreshParams, subscribeParams, unsubscribeParams } from "./schemas/users.ts";

/** Orders for every session of a user. They go to every shard, because a key may place a session on any (SPEC AP5). */

const COORDINATOR_WAIT_MS = 8_000;

export function subscribe(call: Call, params: z.infer<typeof subscribeParams>): Promise<Answer> {
  const refusal = checkChannel(call, params.channel);
  if (refusal !== undefined) return Promise.resolve(refusal);
  const { recover_since: since, expire_at: expiresAt = 0 } = params;
  // The end of a subscription that the server has made ends its session.
  if (isPast(expiresAt)) return Promise.resolve(fail("badRequest", "expire_at: the time has passed already"));
  const data = readValue("data", params.data, params.b64data);
  if (!data.ok) return Promise.resolve(fail("badRequest", data.reason));
  const info = readValue("info", params.info, params.b64info);
  if (!info.ok) return Promise.resolve(fail("badRequest", info.reason));
  return onEveryShard(call, {
    kind: "subscribe",
    user: params.user,
    client: params.client ?? null,
    channel: params.channel,
    info: info.value,
    data: data.value,
    expiresAt: expiresAt === 0 ? null : expiresAt * 1_000,
    since: since === undefined ? null : { offset: since.offset, logEpoch: since.epoch },
  });
}

export async function unsubscribe(call: Call, params: z.infer<typeof unsubscribeParams>): Promise<Answer> {
  const { user, channel, client = null } = params;
  return (
    checkChannel(call, channel) ?? (await onEveryShard(call, { kind: "unsubscribe", user, client, channel }))
  );
}

export async function disconnect(call: Call, params: z.infer<typeof disconnectParams>): Promise<Answer> {
  const { user, client = null, whitelist = [] } = params;
  const { code, reason } = params.disconnect ?? DISCONNECTS.forced;
  // A close frame has room for 123 bytes (docs/platform.md P13).
  if (new TextEncoder().encode(reason).byteLength > 123) {
    return fail("badRequest", "a reason has at most 123 bytes");
  }
  // Fields of such a reason would override the rule of the codes (docs/protocol.md C34).
  if (isJson(reason))
    return fail("badRequest", "a reason must not be JSON, because stock clients would read it");
  return onEveryShard(call, { kind: "disconnect", user, client, except: whitelist, code, reason });
}

export function refresh(call: Call, params: z.infer<typeof refreshParams>): Promise<Answer> {
  const { user, client = null, expire_at: expiresAt = 0 } = params;
  const info = readValue("info", params.info);
  if (!info.ok) return Promise.resolve(fail("badRequest", info.reason));
  return onEveryShard(call, {
    kind: "refresh",
    user,
    client,
    expired: params.expired === true || isPast(expiresAt),
    expiresAt: expiresAt === 0 ? null : expiresAt * 1_000,
    info: info.value,
  });
}

/** 0: never. */
const isPast = (seconds: number): boolean => seconds !== 0 && seconds * 1_000 <= Date.now();

function checkChannel({ config }: Call, name: string): Answer | undefined {
  const parsed = parseChannel(name, config.cluster.limits.channelBytes);
  if (!parsed.ok) return fail("badRequest", "the channel's name is not valid");
  if (namespaceOf(config, parsed.channel) === undefined)
    return fail("unknownChannel", missingNamespace(config, parsed.channel));
  if (isBroadcast(config, name))
    return fail("badRequest", "every session is subscribed to the broadcast channel already");
  return undefined;
}

/** Carries out an order on every shard. A caller may repeat an order that has failed on some shard. */
async function onEveryShard({ env }: Call, action: Action): Promise<Answer> {
  try {
    const fanned = await callAgainWithin(COORDINATOR_WAIT_MS, () =>
      coordinatorStub(env).act(action, CONTRACT),
    );
    const silent = unreachedIds(fanned.outcomes);
    if (silent.length > 0) return fail("internal", `these shards did not answer: ${silent.join(", ")}`);
    return ok({});
  } catch (error) {
    logError("the coordinator did not hand out an action", { action: action.kind, error });
    return fail("internal", "the coordinator does not answer");
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
