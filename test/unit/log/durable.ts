import { openDurableLog } from "../../../src/log/durable-log.ts";
import type { Log, LogLimits } from "../../../src/log/log.ts";
import { migrate } from "../../../src/log/schema.ts";
import { SimStorage } from "../../sim/storage.ts";
import { START, type LogUnderTest } from "./log-contract.ts";

export const MINUTE = 60_000;
export const LIMITS: LogLimits = { size: 10, ttlMs: 2 * MINUTE, metaTtlMs: 10 * MINUTE };

/** A log in a database of its own; a write fails where `breaks` says so. */
export function durable(limits: LogLimits = LIMITS): LogUnderTest & { breaks: boolean; storage: SimStorage } {
  const storage = new SimStorage();
  // The log uses `sql`, `kv` and `transactionSync`, and the simulator has these.
  const platform = storage as unknown as DurableObjectStorage;
  const work = storage.transactionSync.bind(storage);
  const under = { breaks: false, storage };
  let isInside = false;
  storage.transactionSync = (write) =>
    work(() => {
      isInside = true;
      try {
        const result = write();
        if (under.breaks) throw new Error("the disk is full");
        return result;
      } finally {
        isInside = false;
      }
    });
  // A write of its own fails as a whole.
  const { sql } = platform;
  const exec = sql.exec.bind(sql);
  sql.exec = (query, ...values) => {
    if (under.breaks && !isInside && /^(INSERT|UPDATE|DELETE)/.test(query))
      throw new Error("the disk is full");
    return exec(query, ...values);
  };
  let epochs = 0;
  const open = (now: number): Log => {
    migrate(platform);
    return openDurableLog(platform, { limits, newEpoch: () => `e${++epochs}`, now });
  };
  return Object.assign(under, { log: open(START), restart: open });
}
