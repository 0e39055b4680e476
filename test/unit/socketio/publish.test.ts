import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import type { Publisher } from "../../../src/platform/publisher.ts";
import { newSocketId } from "../../../src/socketio/names.ts";
import { publishWith } from "../../../src/socketio/publish.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("[BD101, EL61] an emit to a socket whose shard never answers fails in time, which is told", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const silent = { askFront: () => new Promise<never>(() => undefined) };
  const onFailed = vi.fn<(shard: unknown, error: unknown) => void>();
  const publish = publishWith({
    env: { SHARD_SOCKETIO: { getByName: () => silent } } as unknown as Cloudflare.Env,
    publisher: {} as Publisher,
    config: parseConfig({ RINGCAST: { times: { deliveryTimeoutMs: 10_000 } } }),
    isShard: () => true,
    onFailed,
  });
  const shard = { front: "socketio", region: "auto", id: "auto-1", name: "auto/auto-1" };
  const room = newSocketId(shard, "x".repeat(20));
  const failure = publish({ nsp: "/", rooms: [room], except: [] }, ["event"], {}).catch(String);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await failure).toBe("Error: no answer within 10000 ms");
  expect(onFailed).toHaveBeenCalledExactlyOnceWith(shard, expect.any(Error));
});
