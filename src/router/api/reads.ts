import type { z } from "zod";
import { keepsHistory, type NamespaceConfig } from "../../config/namespace.ts";
import { objectName } from "../../contracts/address.ts";
import type { Present } from "../../contracts/publication.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { callAgain, channelStub, coordinatorStub, homeStub } from "../../platform/calls.ts";
import { logError } from "../../platform/logger.ts";
import { homeOf, namespaceOf, parseChannel } from "../../policy/channels.ts";
import { PRODUCT_VERSION } from "../../version.ts";
import { fail, ok, type Answer, type Failure } from "./answer.ts";
import type { Call } from "./call.ts";
import type { channelParams, channelsParams, historyParams } from "./schemas.ts";

type ChannelParams = z.infer<typeof channelParams>;

export async function presence(call: Call, { channel }: ChannelParams): Promise<Answer> {
  const present = await ask(
    call,
    channel,
    ({ presence: on }) => on,
    () => presentIn(call, channel),
  );
  if ("error" in present) return present;
  const entries = present.value.map(({ client, info }) => [client, JSON.parse(info)] as const);
  return ok({ presence: Object.fromEntries(entries) });
}

export async function presenceStats(call: Call, { channel }: ChannelParams): Promise<Answer> {
  const present = await ask(
    call,
    channel,
    ({ presence: on }) => on,
    () => presentIn(call, channel),
  );
  if ("error" in present) return present;
  const users = new Set(present.value.map(({ user }) => user));
  return ok({ num_clients: present.value.length, num_users: users.size });
}

export async function history(call: Call, params: z.infer<typeof historyParams>): Promise<Answer> {
  const { channel, limit = 0, reverse = false, since } = params;
  const query = {
    limit,
    reverse,
    since: since === undefined ? null : { offset: since.offset, logEpoch: since.epoch },
  };
  const answer = await ask(call, channel, keepsHistory, () => logOf(call, channel).history(query, CONTRACT));
  if ("error" in answer) return answer;
  const { publications, top, logEpoch, refused } = answer.value;
  if (refused !== null) return fail(refused);
  const shown = publications.map(({ offset, body }) => ({ ...(JSON.parse(body) as object), offset }));
  return ok({ publications: shown, offset: top, epoch: logEpoch });
}

export async function removeHistory(call: Call, { channel }: ChannelParams): Promise<Answer> {
  const answer = await ask(call, channel, keepsHistory, () => logOf(call, channel).removeHistory(CONTRACT));
  return "error" in answer ? answer : ok({});
}

export async function channels(
  { env }: Call,
  { pattern = "" }: z.infer<typeof channelsParams>,
): Promise<Answer> {
  const list = await coordinatorStub(env).channels(pattern, CONTRACT);
  if (list.unreachable.length > 0) {
    return fail("internal", `these shards did not answer: ${list.unreachable.join(", ")}`);
  }
  const shown = Object.entries(list.channels).map(
    ([name, clients]) => [name, { num_clients: clients }] as const,
  );
  return ok({ channels: Object.fromEntries(shown), ...(list.truncated ? { truncated: true } : {}) });
}

/** Each shard is a node. */
export async function info({ env }: Call): Promise<Answer> {
  const { shards } = await coordinatorStub(env).cluster(CONTRACT);
  const now = Date.now();
  const nodes = shards.flatMap(({ id, region, status }) =>
    status === null
      ? []
      : {
          uid: objectName({ id, region }),
          name: id,
          version: PRODUCT_VERSION,
          num_clients: status.sessions,
          num_users: status.users,
          num_subs: status.subscriptions,
          num_channels: status.channels,
          uptime: Math.max(0, Math.round((now - status.wokeAt) / 1_000)),
        },
  );
  return ok({ nodes });
}

const logOf = ({ env, config }: Call, channel: string) => homeStub(env, homeOf(config, channel));

const presentIn = ({ env }: Call, channel: string): Promise<Present[]> =>
  channelStub(env, channel).presence("", CONTRACT);

/** Asks a channel something that its namespace may not have switched on. */
async function ask<T>(
  { config }: Call,
  name: string,
  on: (namespace: NamespaceConfig) => boolean,
  question: () => Promise<T>,
): Promise<{ readonly value: T } | Failure> {
  const parsed = parseChannel(name, config.cluster.limits.channelBytes);
  if (!parsed.ok) return fail("badRequest");
  const namespace = namespaceOf(config, parsed.channel);
  if (namespace === undefined) return fail("unknownChannel");
  if (!on(namespace)) return fail("notAvailable");
  try {
    return { value: await callAgain(question) };
  } catch (error) {
    logError("a channel did not answer", { channel: name, error });
    return fail("internal");
  }
}
