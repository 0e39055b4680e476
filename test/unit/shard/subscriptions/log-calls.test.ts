import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseConfig } from "../../../../src/config/config.ts";
import { shardAddress } from "../../../../src/contracts/address.ts";
import { LogCalls } from "../../../../src/shard/subscriptions/log-calls.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("[BD95] a channel that never answers fails the registration in time, and may have registered the shard", async () => {
  const failed: string[] = [];
  const silent = { register: () => new Promise<never>(() => undefined) };
  const logs = new LogCalls({
    env: { CHANNEL: { getByName: () => silent } } as unknown as Cloudflare.Env,
    config: parseConfig({ RINGCAST: { times: { deliveryTimeoutMs: 10_000 } } }),
    shard: shardAddress("centrifuge", { id: "auto-1", region: "auto" }),
    onRegisterFailed: (channel) => failed.push(channel),
  });
  const outcomes: string[] = [];
  const registered = logs.register("room", null).catch((error: unknown) => outcomes.push(String(error)));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(outcomes).toEqual(["Error: no answer within 10000 ms"]);
  await registered;
  expect(failed).toEqual(["room"]);
});
