import { expect, test, vi } from "vitest";
import { shardAddress } from "../../../../src/contracts/address.ts";
import type { ReportAnswer, ReportRequest } from "../../../../src/contracts/coordinator.ts";
import type { ShardStatus } from "../../../../src/contracts/shard.ts";
import { Reports, type ReportsParts } from "../../../../src/shard/moves/reports.ts";

const STATUS: ShardStatus = {
  sessions: 0,
  users: 0,
  channels: 0,
  subscriptions: 0,
  wokeAt: 0,
  ringEpoch: 1,
  digest: "",
};

/** A shard whose coordinator answers when the test says so. */
function setUp() {
  const stored = new Map<string, unknown>();
  const storage = {
    kv: {
      get: (key: string) => stored.get(key),
      put: (key: string, value: unknown) => stored.set(key, value),
    },
  } as unknown as DurableObjectStorage;
  const armed: number[] = [];
  let isHigh = false;
  const requests: { request: ReportRequest; answer: () => void }[] = [];
  const report = (request: ReportRequest) =>
    new Promise<ReportAnswer>((resolve) => {
      requests.push({ request, answer: () => resolve({ descriptor: null }) });
    });
  const reports = new Reports({
    storage,
    env: { COORDINATOR: { getByName: () => ({ report }) } } as unknown as Cloudflare.Env,
    shard: shardAddress("centrifuge", { id: "auto-1", region: "auto" }),
    intervalMs: 60_000,
    load: { status: () => ({}), isHigh: () => isHigh } as unknown as ReportsParts["load"],
    guests: { heard: () => undefined } as unknown as ReportsParts["guests"],
    status: () => STATUS,
    isDrained: () => false,
    onDescriptor: async () => undefined,
    arm: (at) => armed.push(at),
  });
  const told = (n: number) => requests[n]?.request.moves.map(({ ringEpoch }) => ringEpoch);
  return {
    reports,
    told,
    armed,
    rise: () => void (isHigh = true),
    answer: (n: number) => requests[n]?.answer(),
  };
}

test("[BD102] moves that come during a report are told with the next one, also where as many wait as a shard keeps", async () => {
  const { reports, told, answer } = setUp();
  for (let ringEpoch = 1; ringEpoch <= 120; ringEpoch++) reports.moved({ ringEpoch, moved: 1 });
  const first = reports.run(1_000);
  reports.moved({ ringEpoch: 121, moved: 1 });
  answer(0);
  // At once, as something waits.
  expect(await first).toBe(1_000);
  expect(told(0)).toEqual(Array.from({ length: 100 }, (_, n) => 21 + n));
  const second = reports.run(2_000);
  answer(1);
  expect(await second).toBeUndefined();
  expect(told(1)).toEqual([121]);
});

test("[EL72] a shard that works looks at its load every 5 s, and reports a high one", async () => {
  vi.useFakeTimers({ now: 5_000 });
  const { reports, armed, rise } = setUp();
  const work = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
    reports.worked(Date.now());
    reports.worked(Date.now());
    await vi.advanceTimersByTimeAsync(1_000);
  };
  await work(5_000);
  rise();
  await work(1_000);
  expect(armed).toEqual([]);
  await work(3_000);
  expect(armed).toHaveLength(1);
  await work(1_000);
  expect(armed).toHaveLength(1);
  await work(4_000);
  expect(armed).toHaveLength(2);
  vi.useRealTimers();
});
