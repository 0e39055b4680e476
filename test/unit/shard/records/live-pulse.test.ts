import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Counters } from "../../../../src/shard/records/counters.ts";
import { LivePulse } from "../../../../src/shard/records/live-pulse.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("[OP2] a pulse that throws is not the last one", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  let pulses = 0;
  const parts = {
    ctx: { storage: { kv: new Map() }, waitUntil: () => undefined },
    env: {},
    shard: { front: "centrifuge", id: "auto-1", name: "auto/auto-1", region: "auto" },
    counters: new Counters(),
    vitals: () => {
      pulses += 1;
      // As where the events that wait cannot be counted.
      if (pulses === 2) throw new Error("disk I/O error: SQLITE_IOERR");
      return { ringEpoch: 1, sessions: 0, subscriptions: 0, channels: 0 };
    },
  };
  Object.assign(parts.ctx.storage.kv, { put: () => undefined });
  const pulse = new LivePulse(parts as unknown as ConstructorParameters<typeof LivePulse>[0]);
  pulse.watch(Date.now() + 60_000, Date.now());
  for (let n = 0; n < 5; n++) {
    try {
      await vi.advanceTimersByTimeAsync(1_000);
    } catch {
      // The runtime logs what a timer throws.
    }
  }
  expect(pulses).toBeGreaterThan(3);
});
