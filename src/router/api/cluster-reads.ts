import type * as z from "zod";
import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub, within } from "../../platform/calls.ts";
import { objectName } from "../../contracts/address.ts";
import { PRODUCT_VERSION } from "../../version.ts";
import { fail, ok, type Answer } from "./answer.ts";
import type { Call } from "./method.ts";
import type { channelsParams } from "./schemas/reads.ts";

/** The channels of all shards, with the number of clients that are subscribed to each. */
export async function channels(
  { env, config }: Call,
  { pattern = "" }: z.infer<typeof channelsParams>,
): Promise<Answer> {
  const answer = coordinatorStub(env).channels(pattern, CONTRACT);
  const list = await within(config.cluster.times.deliveryTimeoutMs, answer);
  if (list.unreachable.length > 0) {
    return fail("internal", `these shards did not answer: ${list.unreachable.join(", ")}`);
  }
  const shown = Object.entries(list.channels).map(
    ([name, clients]) => [name, { num_clients: clients }] as const,
  );
  return ok({ channels: Object.fromEntries(shown), ...(list.truncated ? { truncated: true } : {}) });
}

/** The shards, each as one of Centrifugo's nodes. A shard that does not answer is left out. */
export async function info({ env, config }: Call): Promise<Answer> {
  const answer = coordinatorStub(env).cluster(CONTRACT);
  const { shards } = await within(config.cluster.times.deliveryTimeoutMs, answer);
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
