import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { EmptyChannels } from "../../src/shard/records/empty-channels.ts";
import { SessionRows, type SessionRowsParts } from "../../src/shard/records/session-rows.ts";
import { channelObject, startOver, until } from "./client.ts";
import { forgetHooks } from "./hooked.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

describe("[BD66] what a crash has left is settled a part at a time", () => {
  test("lost sessions come a page of rows at a time, and wait while the queue of events is half full", async () => {
    const ended = new Set<string>();
    let room = 0;
    await runInDurableObject(channelObject("session-rows-test"), (_, { storage }) => {
      const events: SessionRowsParts["events"] = {
        wants: (type) => type === "disconnected",
        get hasRoom() {
          return room > 0;
        },
        record: (event) => {
          room -= 1;
          if (event.type === "disconnected") ended.add(event.session.client);
        },
      };
      const armed: number[] = [];
      const open = () =>
        new SessionRows({
          storage,
          events,
          shard: { id: "auto-1", region: "auto" },
          present: () => new Set(["client-0007", "client-0599"]),
          arm: (at) => void armed.push(at),
        });
      const rows = open();
      rows.wake(0);
      expect(armed).toEqual([]);
      const session = (n: number) => JSON.stringify({ client: `client-${String(n).padStart(4, "0")}` });
      for (let n = 0; n < 600; n++)
        storage.sql.exec("INSERT INTO roll VALUES (json_extract(?1, '$.client'), ?1)", session(n));

      const later = open();
      later.wake(0);
      expect(armed).toHaveLength(1);
      // Without room the rows stay, and the duty comes again later.
      expect(later.settle(1_000)).toBeGreaterThan(1_000);
      expect(ended.size).toBe(0);
      room = 1_000;
      const pages: number[] = [];
      for (let due: number | undefined = 1_000; due !== undefined; due = later.settle(due))
        pages.push(ended.size);
      expect(pages.length).toBeGreaterThan(2);
      const steps = [...pages, ended.size].slice(1).map((total, n) => total - (pages[n] ?? 0));
      expect(Math.max(...steps)).toBeLessThanOrEqual(250);
      expect(ended.size).toBe(598);
      const left = storage.sql.exec<{ client: string }>("SELECT client FROM roll ORDER BY client").toArray();
      expect(left.map(({ client }) => client)).toEqual(["client-0007", "client-0599"]);
    });
  });

  test("a number of channels is asked at a time, and those that do not answer stop none of the others", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const settled: string[] = [];
    let asked = 0;
    let most = 0;
    const broken = new Set(Array.from({ length: 40 }, (_, n) => `room-${n}`));
    await runInDurableObject(channelObject("empty-channels-many"), async (_, { storage }) => {
      let due = true;
      const emptyChannels = new EmptyChannels({
        storage,
        isWanted: () => true,
        graceMs: 0,
        listeners: () => 0,
        hasListeners: () => false,
        settle: async (channel) => {
          asked += 1;
          most = Math.max(most, asked);
          await scheduler.wait(1);
          asked -= 1;
          if (broken.has(channel)) throw Object.assign(new Error("too busy"), { overloaded: true });
          settled.push(channel);
          return false;
        },
        arm: () => {
          due = true;
        },
        appoint: () => undefined,
      });
      emptyChannels.wake({ sockets: 0 });
      for (let n = 0; n < 200; n++) emptyChannels.look(`room-${n}`);
      await until(() => {
        if (due) {
          due = false;
          emptyChannels.run(Date.now());
        }
        return settled.length === 160;
      });
      expect(new Set(settled).size).toBe(160);
      expect(most).toBe(32);
    });
  });
});
