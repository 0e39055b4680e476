import { setTimeout as sleep } from "node:timers/promises";
import { faultKinds, type FaultParts } from "./fault-kinds.ts";

/** The names of events that are faults begin with this. */
export const FAULT = "fault: ";
const KILL = "server killed and started again";

/** Causes one fault after the other, evenly over the time of the run. A kind of fault comes again when all had a turn. */
export async function breakThings(
  parts: FaultParts & {
    /** Counts an event of the run. */
    readonly count: (event: string) => void;
    readonly seconds: number;
    readonly faults: number;
    /** So many of the faults kill the whole server. */
    readonly kills: number;
  },
): Promise<void> {
  const { server, count, seconds, kills, faults: faultCount } = parts;
  const kinds = Object.entries(faultKinds(parts));
  const started = Date.now();
  const killsAt = new Set(
    Array.from({ length: kills }, (_, n) => Math.floor(((n + 1) * faultCount) / (kills + 1))),
  );
  for (let n = 0; n < faultCount; n++) {
    await sleep(Math.max(0, started + (n * seconds * 1_000) / faultCount - Date.now()));
    const [name, cause] = killsAt.has(n)
      ? [KILL, () => server.killAndRestart()]
      : (kinds[n % kinds.length] ?? [KILL, () => false]);
    try {
      if ((await cause()) === false) count(`nothing to break: ${name}`);
      else count(`${FAULT}${name}`);
    } catch (error) {
      // For example, an object that is not running cannot be evicted.
      count(`fault without effect: ${name} (${String(error).slice(0, 60)})`);
    }
  }
  await sleep(Math.max(0, started + seconds * 1_000 - Date.now()));
}
