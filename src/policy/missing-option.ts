import { NAMESPACE_PREFIX } from "../config/variable-names.ts";
import { isReserved, namespaceOf } from "./channels.ts";
import type { Asked } from "./permissions.ts";

/**
 * In development: what is missing where a client may not subscribe or publish in a channel (SPEC FH2). `subscribed`:
 * whether a client that publishes is; undefined for one that subscribes.
 */
export function missingOption({
  config,
  channel,
  user,
  subscribed,
}: Asked & { readonly subscribed?: boolean }): string | undefined {
  const namespace = namespaceOf(config, channel);
  if (!config.cluster.development || namespace === undefined || isReserved(config, channel)) return undefined;
  const variable = `${NAMESPACE_PREFIX}${channel.namespace ?? "DEFAULT"}`;
  if (subscribed === undefined && channel.isPrivate)
    return "a channel that begins with $ needs a subscription token";
  if (subscribed !== true && channel.users !== undefined)
    return "the channel is for the users that follow its #";
  if (subscribed !== undefined) {
    if (!namespace.allow_publish_for_client) {
      if (!namespace.allow_publish_for_subscriber) return `${variable} has no allow_publish_for_subscriber`;
      if (!subscribed) return `the client is not subscribed, and ${variable} has no allow_publish_for_client`;
    }
    if (user !== "" || namespace.allow_publish_for_anonymous) return undefined;
    return `the client has no token, and ${variable} has no allow_publish_for_anonymous`;
  }
  if (!namespace.allow_subscribe_for_client) return `${variable} has no allow_subscribe_for_client`;
  return `the client has no token, and ${variable} has no allow_subscribe_for_anonymous`;
}
