import { setTimeout as sleep } from "node:timers/promises";
import { faultKinds, type FaultParts } from "./fault-kinds.ts";

/** The names of events that are faults begin with this. */
export const FAULT = "fault: ";
const KILL = "server killed and started again";

/**
 * Causes faults, evenly over the time of the run. A kind of fault comes again when all had a turn. A fault that takes long
 * does not hold up the next ones, up to `atOnce`; only a kill of the server is alone.
 */
export async function breakThings(
  parts: FaultParts & {
    /** Counts an event of the run. */
    readonly count: (event: string) => void;
    readonly seconds: number;
    readonly faults: number;
    /** So many of the faults kill the whole server. */
    readonly kills: number;
    readonly atOnce: number;
  },
): Promise<void> {
  const { server, count, seconds, kills, faults: faultCount, atOnce } = parts;
  const kinds = Object.entries(faultKinds(parts));
  const started = Date.now();
  const killsAt = new Set(
    Array.from({ length: kills }, (_, n) => Math.floor(((n + 1) * faultCount) / (kills + 1))),
  );
  const carryOut = async (name: string, cause: () => unknown): Promise<void> => {
    try {
      if ((await cause()) === false) count(`nothing to break: ${name}`);
      else count(`${FAULT}${name}`);
    } catch (error) {
      // For example, an object that is not running cannot be evicted.
      count(`fault without effect: ${name} (${String(error).slice(0, 60)})`);
    }
  };
  const running = new Set<Promise<void>>();
  for (let n = 0; n < faultCount; n++) {
    await sleep(Math.max(0, started + (n * seconds * 1_000) / faultCount - Date.now()));
    while (running.size >= atOnce) await Promise.race(running);
    if (killsAt.has(n)) {
      await Promise.all(running);
      await carryOut(KILL, () => server.killAndRestart());
      continue;
    }
    const [name, cause] = kinds[n % kinds.length] ?? [KILL, () => false];
    const fault: Promise<void> = carryOut(name, cause).finally(() => running.delete(fault));
    running.add(fault);
  }
  await Promise.all(running);
  await sleep(Math.max(0, started + seconds * 1_000 - Date.now()));
}
