import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { FIRST_FRONT, shardAddress } from "../../src/contracts/address.ts";
import type { LogDuty } from "../../src/log/channel-log-parts.ts";
import { ChannelLog } from "../../src/log/channel-log.ts";
import { configOf } from "../../src/platform/config.ts";
import { Timetable } from "../../src/platform/timetable.ts";
import { channelObject, startOver } from "./client.ts";

afterEach(async () => {
  vi.useRealTimers();
  await startOver();
});

const DAY_MS = 86_400_000;
/** Long enough to be there after a lapse. */
const KEPT = { history_size: 10, history_ttl: 30 * DAY_MS };

/** A life of a channel's log, whose namespace has these settings. `undefined`: the namespace is gone. */
const live = <Result>(kept: object | undefined, use: (log: ChannelLog) => Result): Promise<Result> =>
  runInDurableObject(channelObject("chat"), (_, ctx) => {
    const config = configOf(env);
    const namespace = kept === undefined ? undefined : { ...config.defaultNamespace, ...kept };
    const timetable = new Timetable<LogDuty>(ctx.storage);
    return use(new ChannelLog({ ctx, env, config, name: "chat", namespace, timetable }));
  });
const publish = (log: ChannelLog, id: string) => log.publish({ id, body: `{"data":"${id}"}` });
const bodies = (log: ChannelLog): readonly string[] =>
  log.history({ limit: -1, since: null, reverse: false }).publications.map(({ body }) => body);
const ALL = ['{"data":"a"}', '{"data":"b"}'];

test.each([
  ["is gone", undefined],
  ["keeps nothing", { history_size: 0, history_ttl: 0 }],
])(
  "[LG7] what a channel has kept is there again after a time in which its namespace %s",
  async (_, lapsed) => {
    const before = await live(KEPT, (log) => ["a", "b"].map((id) => publish(log, id))[1]);
    for (let days = 1; days <= 6; days++) {
      vi.useFakeTimers({ now: Date.now() + DAY_MS, toFake: ["Date"] });
      await live(lapsed, (log) => {
        expect(log.run("expire")).toBeGreaterThan(Date.now());
        expect(log.isUnneeded).toBe(false);
      });
    }
    await live(KEPT, (log) => {
      expect(bodies(log)).toEqual(ALL);
      // Nobody has missed anything.
      expect(publish(log, "c")).toEqual({ ...before, offset: 3 });
    });
    // The time is counted anew.
    vi.useFakeTimers({ now: Date.now() + 6 * DAY_MS, toFake: ["Date"] });
    await live(lapsed, (log) => expect(log.run("expire")).toBeGreaterThan(Date.now() + 6 * DAY_MS));
  },
);

test("[LG7] who has heard what was published meanwhile, or has not, is not told that nothing was missed", async () => {
  const before = await live(KEPT, (log) => ["a", "b"].map((id) => publish(log, id))[1]);
  await live(undefined, (log) => publish(log, "passing"));
  await live(KEPT, (log) => {
    expect(bodies(log)).toEqual(ALL);
    const after = publish(log, "c");
    expect(after.offset).toBe(3);
    expect(after.logEpoch).not.toBe(before?.logEpoch);
  });
});

test("[LG7] after a week without history nothing is left", async () => {
  await live(KEPT, (log) => publish(log, "a"));
  await live(undefined, (log) => expect(log.isUnneeded).toBe(false));
  vi.useFakeTimers({ now: Date.now() + 8 * DAY_MS, toFake: ["Date"] });
  await live(undefined, (log) => {
    expect(log.run("expire")).toBeUndefined();
    expect(log.isUnneeded).toBe(true);
  });
});

test("[LG7] a channel that never kept anything remembers nothing", async () => {
  await live(undefined, (log) => {
    publish(log, "a");
    log.renew(shardAddress(FIRST_FRONT, { region: "auto", id: "auto-1" }));
  });
  await live(undefined, (log) => {
    expect(log.run("expire")).toBeUndefined();
  });
});
