import { vi } from "vitest";
import { Gate } from "./client.ts";

/** The value of the deployment under test (vitest.config.ts). */
export const HOOK_TIMEOUT_MS = 300;

/** Timers of this length fire only when the gate is open. */
export function holdTimers(lengthMs: number): Gate {
  const gate = new Gate();
  const set = globalThis.setTimeout;
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((act: () => void, ms?: number) =>
    set(ms === lengthMs ? () => void gate.pass().then(act) : act, ms)) as typeof setTimeout);
  return gate;
}

export const silence = () => vi.spyOn(console, "error").mockImplementation(() => undefined);

export const boom = (): never => {
  throw new Error("boom");
};
