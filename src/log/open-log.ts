import { keepsHistory, type NamespaceConfig } from "../config/namespace.ts";
import { openDurableLog } from "./durable-log.ts";
import { openEphemeralLog } from "./ephemeral-log.ts";
import type { Log } from "./log.ts";

const newEpoch = (): string => crypto.randomUUID().slice(0, 8);

/** The log of a channel, durable where its namespace keeps history. Undefined: the namespace is not configured. */
export function openLog(storage: DurableObjectStorage, namespace: NamespaceConfig | undefined): Log {
  if (namespace === undefined || !keepsHistory(namespace)) return openEphemeralLog(newEpoch());
  const limits = {
    size: namespace.history_size,
    ttlMs: namespace.history_ttl,
    metaTtlMs: namespace.history_meta_ttl,
  };
  return openDurableLog(storage, { limits, newEpoch, now: Date.now() });
}
