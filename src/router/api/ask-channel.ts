import type { NamespaceConfig } from "../../config/namespace.ts";
import { callAgainWithin } from "../../platform/calls.ts";
import { logError } from "../../platform/logger.ts";
import { missingNamespace, namespaceOf, parseChannel } from "../../policy/channels.ts";
import { fail, type Failure } from "./answer.ts";
import type { Call } from "./method.ts";

/** Asks a channel, if its namespace allows the question; else, or if the channel does not answer in time, it is an error. */
export async function askChannel<T>(
  { config }: Call,
  name: string,
  question: {
    readonly isAllowed: (namespace: NamespaceConfig) => boolean;
    /** MUST be safe to repeat. */
    readonly ask: () => Promise<T>;
  },
): Promise<{ readonly value: T } | Failure> {
  const parsed = parseChannel(name, config.cluster.limits.channelBytes);
  if (!parsed.ok) return fail("badRequest");
  const namespace = namespaceOf(config, parsed.channel);
  if (namespace === undefined) return fail("unknownChannel", missingNamespace(config, parsed.channel));
  if (!question.isAllowed(namespace)) return fail("notAvailable");
  try {
    return { value: await callAgainWithin(config.cluster.times.deliveryTimeoutMs, question.ask) };
  } catch (error) {
    logError("a channel did not answer", { channel: name, error });
    return fail("internal");
  }
}
