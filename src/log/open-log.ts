import { keepsHistory, type NamespaceConfig } from "../config/namespace.ts";
import { logEpochOf } from "../contracts/log-epoch.ts";
import { openDurableLog } from "./durable-log.ts";
import { openEphemeralLog } from "./ephemeral-log.ts";
import { hasPast, openLapsedLog } from "./lapsed-log.ts";
import type { Log } from "./log.ts";
import { openUnusedLog } from "./unused-log.ts";

/** Never made twice, also where nothing is left of the log before (SPEC LG3). */
const newEpoch = (): string =>
  logEpochOf({ now: Date.now(), random: crypto.randomUUID().replaceAll("-", "").slice(0, 16) });

/**
 * The log of a channel, durable where its namespace keeps history. Undefined: the namespace is not configured.
 * `isStored`: the tables are made. `logEpoch`: of a log that was read before it was stored.
 */
export function openLog(
  storage: DurableObjectStorage,
  namespace: NamespaceConfig | undefined,
  { isStored, logEpoch = newEpoch() }: { readonly isStored: boolean; readonly logEpoch?: string },
): Log {
  if (namespace === undefined || !keepsHistory(namespace)) {
    const log = openEphemeralLog(logEpoch);
    const isLapsed = isStored && hasPast(storage.sql);
    return isLapsed ? openLapsedLog(storage.sql, log, { newEpoch, now: Date.now() }) : log;
  }
  if (!isStored) return openUnusedLog(logEpoch);
  const limits = {
    size: namespace.history_size,
    ttlMs: namespace.history_ttl,
    metaTtlMs: namespace.history_meta_ttl,
  };
  return openDurableLog(storage, { limits, logEpoch, newEpoch, now: Date.now() });
}
