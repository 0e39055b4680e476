import type * as z from "zod";
import { numberOfUsers } from "../../contracts/distinct-users.ts";
import { countPresence, limitPresence } from "../../contracts/presence.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { callNew, channelStub } from "../../platform/calls.ts";
import { fail, ok, type Answer } from "./answer.ts";
import { askChannel } from "./ask-channel.ts";
import type { Call } from "./method.ts";
import type { channelParams } from "./schemas/fields.ts";

type Params = z.infer<typeof channelParams>;

/** The clients that are subscribed to a channel. */
export async function presence(call: Call, { channel }: Params): Promise<Answer> {
  const { presenceClients: clients, presenceBytes: bytes } = call.config.cluster.limits;
  const limit = { clients, bytes };
  const stub = () => channelStub(call.env, channel);
  const list = await askChannel(call, channel, {
    isAllowed: (namespace) => namespace.presence,
    ask: () =>
      callNew(
        () => stub().presenceUpTo("", limit, CONTRACT),
        async () => limitPresence(await stub().presence("", CONTRACT), limit),
      ),
  });
  if ("error" in list) return list;
  if (list.value.kind === "tooLarge")
    return fail("limitExceeded", `more than ${clients} clients or ${bytes} bytes; ask presence_stats`);
  const entries = list.value.present.map(({ client, info }) => [client, JSON.parse(info)] as const);
  return ok({ presence: Object.fromEntries(entries) });
}

/** The numbers of clients and of users that are subscribed to a channel. */
export async function presenceStats(call: Call, { channel }: Params): Promise<Answer> {
  const stub = () => channelStub(call.env, channel);
  const count = await askChannel(call, channel, {
    isAllowed: (namespace) => namespace.presence,
    ask: () =>
      callNew(
        () => stub().presenceCount("", CONTRACT),
        async () => countPresence(await stub().presence("", CONTRACT)),
      ),
  });
  if ("error" in count) return count;
  const { clients, users } = count.value;
  return ok({ num_clients: clients, num_users: numberOfUsers(users) });
}
