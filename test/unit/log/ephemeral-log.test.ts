import { describe, expect, test } from "vitest";
import { openEphemeralLog } from "../../../src/log/ephemeral-log.ts";
import type { Log } from "../../../src/log/log.ts";
import { MINUTE } from "./durable.ts";
import { ALL_OF_IT, allAt, publish, START, testLogContract, type LogUnderTest } from "./log-contract.ts";

function ephemeral(): LogUnderTest {
  let lives = 0;
  const open = (): Log => openEphemeralLog(`life ${++lives}`);
  return { log: open(), restart: open };
}

describe("an ephemeral log", () => {
  testLogContract(ephemeral);

  test("[LG5] an ephemeral log keeps no publication and has no history", () => {
    const { log } = ephemeral();
    expect(log.durable).toBe(false);
    for (const id of ["a", "b"]) publish(log, id);
    const { logEpoch } = log;
    expect(log.after(0, ALL_OF_IT)).toEqual([]);
    expect(log.view(0, allAt(START))).toEqual({ logEpoch, top: 2, publications: [] });
    for (const limit of [-1, 0, 5])
      expect(log.history({ limit, reverse: false, since: null }, allAt(START))).toEqual({
        logEpoch,
        top: 2,
        publications: [],
        refused: "notAvailable",
      });
    expect(log.expire(START + 365 * 24 * 60 * MINUTE, { inUse: false })).toBeUndefined();
  });

  test("[LG5] an ephemeral log forgets its ids and its offsets with the object's life in memory", () => {
    const { log, restart } = ephemeral();
    publish(log, "a");
    const woken = restart(START);
    expect(woken.logEpoch).not.toBe(log.logEpoch);
    expect(publish(woken, "a")).toMatchObject({ offset: 1, repeated: false });
  });

  test("[LG5] an ephemeral log refuses an unknown publication that nobody awaits any more", () => {
    const { log } = ephemeral();
    const awaited = (id: string, awaitedUntil: number) => ({ id, body: "{}", awaitedUntil });
    log.append(awaited("a", START), START);
    expect(() => log.append(awaited("b", START - 1), START)).toThrow("nobody awaited it any more");
    expect(log.append(awaited("a", START - 1), START)).toMatchObject({ offset: 1, repeated: true });
    expect(() =>
      log.appendAll(
        ["c", "d"].map((id) => awaited(id, START - 1)),
        START,
      ),
    ).toThrow("nobody awaited it");
    expect(log.top).toBe(1);
  });

  test("[LG5] an ephemeral log knows the last 4,096 ids", () => {
    const { log } = ephemeral();
    for (let n = 1; n <= 4_097; n++) publish(log, `${n}`);
    expect(publish(log, "2")).toMatchObject({ offset: 2, repeated: true });
    expect(publish(log, "4097")).toMatchObject({ offset: 4_097, repeated: true });
    expect(publish(log, "1")).toMatchObject({ repeated: false });
  });
});
