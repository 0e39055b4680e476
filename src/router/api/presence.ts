import type { z } from "zod";
import type { Present } from "../../contracts/publication.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { channelStub } from "../../platform/calls.ts";
import { ok, type Answer, type Failure } from "./answer.ts";
import { askChannel } from "./ask-channel.ts";
import type { Call } from "./method.ts";
import type { channelParams } from "./schemas/fields.ts";

type Params = z.infer<typeof channelParams>;

/** The clients that are subscribed to a channel. */
export async function presence(call: Call, params: Params): Promise<Answer> {
  const present = await presentIn(call, params);
  if ("error" in present) return present;
  const entries = present.value.map(({ client, info }) => [client, JSON.parse(info)] as const);
  return ok({ presence: Object.fromEntries(entries) });
}

/** The numbers of clients and of users that are subscribed to a channel. */
export async function presenceStats(call: Call, params: Params): Promise<Answer> {
  const present = await presentIn(call, params);
  if ("error" in present) return present;
  const users = new Set(present.value.map(({ user }) => user));
  return ok({ num_clients: present.value.length, num_users: users.size });
}

const presentIn = (call: Call, { channel }: Params): Promise<{ readonly value: Present[] } | Failure> =>
  askChannel(call, channel, {
    isAllowed: (namespace) => namespace.presence,
    ask: () => channelStub(call.env, channel).presence("", CONTRACT),
  });
