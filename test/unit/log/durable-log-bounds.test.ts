import { describe, expect, test } from "vitest";
import { ID_TTL_MS, RETRY_ID_TTL_MS } from "../../../src/log/durable-log.ts";
import { KNOWN_IDS_MAX } from "../../../src/log/known-ids.ts";
import { durable, LIMITS, MINUTE } from "./durable.ts";
import { ALL_OF_IT, allAt, offsetsOf, publish, START } from "./log-contract.ts";

describe("the bounds of a durable log", () => {
  test("[BD1] every appointment that is due empties the log at last, and a silent log in use has none", () => {
    const { log } = durable();
    for (let n = 0; n < 30; n++) publish(log, `${n}`, START + n * 1_000);
    log.append({ id: "p", body: "{}", passing: true }, START + 30_000);
    let now = log.dueAfterAppend(START + 30_000) ?? 0;
    let due: number | undefined = now;
    let runs = 0;
    for (; due !== undefined; due = log.expire(now, { inUse: true })) {
      expect(due).toBeGreaterThanOrEqual(now);
      now = due;
      expect(++runs).toBeLessThan(10);
    }
    expect(log.top).toBe(30);
    // Ten minutes after the last publication, when no shard listens any more.
    now = Math.max(now, START + 30_000 + LIMITS.metaTtlMs);
    expect(log.expire(now, { inUse: false })).toBeUndefined();
    expect(log.top).toBe(0);
  });

  test("[BD1] an appointment is due soon enough for the publication that has just come, whatever was due before", () => {
    const { log } = durable();
    publish(log, "a");
    const month = START + 30 * 24 * 60 * MINUTE;
    log.expire(START + LIMITS.metaTtlMs, { inUse: true });
    publish(log, "b", month);
    expect(log.dueAfterAppend(month)).toBeLessThanOrEqual(month + ID_TTL_MS);
  });

  test("[BD3] the appointments of a busy log are one in five minutes, whatever it keeps", () => {
    for (const limits of [
      LIMITS,
      { ...LIMITS, size: 1 },
      { ...LIMITS, ttlMs: 1 },
      { ...LIMITS, ttlMs: 60 * MINUTE },
    ]) {
      const { log } = durable(limits);
      let at = Infinity;
      let runs = 0;
      for (let n = 1; n <= 3_600; n++) {
        const now = START + n * 1_000;
        if (at <= now) {
          runs += 1;
          at = log.expire(now, { inUse: true }) ?? Infinity;
        }
        log.append({ id: `${n}`, body: "{}", passing: n % 3 === 0, forRetries: true }, now);
        at = Math.min(at, log.dueAfterAppend(now) ?? Infinity);
      }
      expect(runs).toBeGreaterThan(3_600_000 / ID_TTL_MS / 6);
      expect(runs).toBeLessThanOrEqual(3_600_000 / ID_TTL_MS);
    }
  });

  test("[BD2, LG4] an id of ours holds for a minute, and a key for five, also after a restart", () => {
    const { log, restart } = durable();
    log.append({ id: "ours", body: "{}", forRetries: true }, START);
    publish(log, "key");
    const woken = restart(START + RETRY_ID_TTL_MS - 1);
    const again = (id: string, now: number) =>
      woken.append({ id, body: "{}", forRetries: true }, now).repeated;
    expect([again("ours", START + RETRY_ID_TTL_MS - 1), again("key", START + ID_TTL_MS - 1)]).toEqual([
      true,
      true,
    ]);
    expect([again("ours", START + RETRY_ID_TTL_MS), again("key", START + ID_TTL_MS)]).toEqual([false, false]);
  });

  test("[BD2, AP3] the version and the top outlive the last publication, and a restart", () => {
    const { log, restart } = durable();
    log.append({ id: "a", body: "{}", version: { number: 7, epoch: "v" } }, START);
    publish(log, "b");
    const late = START + ID_TTL_MS;
    expect(log.expire(late, { inUse: true })).toBeUndefined();
    const woken = restart(late);
    expect(woken.top).toBe(2);
    const old = { id: "c", body: "{}", version: { number: 7, epoch: "v" } };
    expect(woken.append(old, late)).toMatchObject({ offset: 2, repeated: true });
    expect(publish(woken, "d", late)).toMatchObject({ offset: 3, repeated: false });
  });

  test("[LG2] a log shows no more than its size after a restart, though the ids of older ones still hold", () => {
    const { log, restart } = durable();
    for (let n = 1; n <= LIMITS.size + 3; n++) publish(log, `p${n}`, START);
    const shown = (one: typeof log): number[] =>
      offsetsOf(one.view(0, { ...ALL_OF_IT, now: START }).publications);
    expect(shown(log)).toHaveLength(LIMITS.size);
    expect(shown(restart(START))).toEqual(shown(log));
  });

  test("[LG2] removed publications stay removed after a restart, though their ids still hold", () => {
    const { log, restart } = durable();
    for (const id of ["a", "b"]) publish(log, id);
    log.clear(START);
    publish(log, "c");
    const woken = restart(START);
    expect(offsetsOf(woken.view(0, allAt(START)).publications)).toEqual([3]);
    expect(offsetsOf(woken.after(0, ALL_OF_IT))).toEqual([3]);
    expect(publish(woken, "a")).toMatchObject({ offset: 1, repeated: true });
  });

  test("[BD4] bodies that are kept for their ids alone are emptied above 256 MB, and the ids hold", () => {
    const { log, storage } = durable({ ...LIMITS, size: 1 });
    const body = "x".repeat(1_900_000);
    const stored = () =>
      storage.query("SELECT SUM(octet_length(body)) AS bytes, COUNT(*) AS rows FROM publications")[0];
    let most = 0;
    for (let n = 1; n <= 150; n++) {
      log.append({ id: `${n}`, body }, START + n);
      most = Math.max(most, Number(stored()?.["bytes"]));
    }
    expect(most).toBeLessThanOrEqual(256 * 1_048_576 + 2 * body.length);
    expect(most).toBeGreaterThan(250 * 1_048_576);
    expect(stored()).toMatchObject({ rows: 150 });
    expect(log.append({ id: "1", body }, START + 151)).toMatchObject({ offset: 1, repeated: true });
    expect(log.after(0, ALL_OF_IT)).toEqual([{ kind: "pub", offset: 150, body }]);
  });

  test("[BD4] a log holds at most 65,536 ids, the newest", () => {
    const { log, restart } = durable();
    for (let n = 1; n <= KNOWN_IDS_MAX + 1; n++) publish(log, `${n}`);
    for (const at of [log, restart(START)])
      expect(publish(at, `${KNOWN_IDS_MAX + 1}`)).toMatchObject({
        offset: KNOWN_IDS_MAX + 1,
        repeated: true,
      });
    expect(publish(log, "2")).toMatchObject({ offset: 2, repeated: true });
    expect(publish(log, "1")).toMatchObject({ repeated: false });
  });

  test("[BD5] what is read is cut by bytes, from the end that was asked for, and one publication always fits", () => {
    const { log } = durable();
    for (let n = 1; n <= 5; n++) log.append({ id: `${n}`, body: "x".repeat(100) }, START);
    const cut = { ...allAt(START), bytes: 250 };
    const history = (reverse: boolean) => log.history({ limit: -1, reverse, since: null }, cut).publications;
    expect(offsetsOf(log.after(0, cut))).toEqual([1, 2]);
    expect(offsetsOf(log.view(0, cut).publications)).toEqual([4, 5]);
    expect(offsetsOf(history(false))).toEqual([1, 2]);
    expect(offsetsOf(history(true))).toEqual([5, 4]);
    const none = { ...cut, bytes: 1 };
    expect([offsetsOf(log.after(0, none)), offsetsOf(log.view(0, none).publications)]).toEqual([[1], [5]]);
  });
});
