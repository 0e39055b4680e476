import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HistoryQuery } from "../../../src/contracts/log.ts";
import type { Publication } from "../../../src/contracts/publication.ts";
import { ID_TTL_MS } from "../../../src/log/durable-log.ts";
import type { Log } from "../../../src/log/log.ts";
import { durable, LIMITS, MINUTE } from "./durable.ts";
import { ALL_OF_IT, allAt, logCalls, offsetsOf, publish, START, testLogContract } from "./log-contract.ts";

describe("a durable log", () => {
  testLogContract(durable);

  test("[LG2, LG4] every call answers as a list of publications and a table of ids would", () => {
    fc.assert(
      fc.property(logCalls(3 * MINUTE), fc.array(fc.nat(39), { maxLength: 5 }), (calls, restarts) => {
        const under = durable();
        let { log } = under;
        let logEpoch = "e1";
        const epochs = new Set([logEpoch]);
        let top = 0;
        let lastAt = START;
        let kept: (Publication & { at: number })[] = [];
        const ids = new Map<string, { offset: number; until: number }>();
        let now = START;
        /** Whether this life has forgotten the log, and nothing has been appended since. */
        let isForgotten = false;
        for (const [n, { call, gapMs }] of calls.entries()) {
          now += gapMs;
          if (restarts.includes(n)) [log, isForgotten] = [under.restart(now), false];
          switch (call.kind) {
            case "append": {
              const known = ids.get(call.id);
              const repeated = known !== undefined && known.until > now;
              const offset = repeated ? known.offset : top + 1;
              expect(log.append(call, now)).toEqual({ offset, logEpoch, refused: null, repeated });
              if (repeated) break;
              [top, lastAt, isForgotten] = [offset, now, false];
              ids.set(call.id, { offset, until: now + ID_TTL_MS });
              kept = [...kept, { kind: "pub" as const, offset, body: call.body, at: now }].slice(
                -LIMITS.size,
              );
              break;
            }
            case "clear":
              log.clear(now);
              kept = [];
              break;
            case "expire": {
              const due = log.expire(now, call);
              kept = kept.filter(({ at }) => at > now - LIMITS.ttlMs);
              for (const [id, { until }] of ids) if (until <= now) ids.delete(id);
              const rests = ids.size === 0 && kept.length === 0;
              if (!rests) {
                // No row outlasts its time for long.
                expect(due).toBeLessThanOrEqual(now + ID_TTL_MS);
              } else if (call.inUse || isForgotten) {
                expect(due).toBeUndefined();
              } else if (lastAt + LIMITS.metaTtlMs > now) {
                expect(due).toBe(lastAt + LIMITS.metaTtlMs);
              } else {
                expect(due).toBeUndefined();
                expect(epochs).not.toContain(log.logEpoch);
                logEpoch = log.logEpoch;
                epochs.add(logEpoch);
                [top, lastAt, isForgotten] = [0, now, true];
              }
              break;
            }
          }
          kept = kept.filter(({ at }) => at > now - LIMITS.ttlMs);
          expect([log.top, log.logEpoch]).toEqual([top, logEpoch]);
          const publications = kept.map(({ kind, offset, body }) => ({ kind, offset, body }));
          expect(log.view(0, allAt(now))).toEqual({ logEpoch, top, publications });
          expect(log.after(0, ALL_OF_IT)).toEqual(publications);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("[LG2] the oldest publications are dropped by number, and the top stays", () => {
    const { log } = durable({ ...LIMITS, size: 3 });
    for (const id of ["a", "b", "c", "d", "e"]) publish(log, id);
    expect(offsetsOf(log.after(0, ALL_OF_IT))).toEqual([3, 4, 5]);
    expect(log.top).toBe(5);
  });

  test("[LG2, BD1] a publication is shown until its time has run out, to the millisecond, also before its row goes", () => {
    const { log, restart } = durable();
    publish(log, "a", START);
    publish(log, "b", START + 1);
    const shown = (at: Log, now: number) => [
      offsetsOf(at.view(0, allAt(now)).publications),
      offsetsOf(at.history({ limit: -1, reverse: true, since: null }, allAt(now)).publications),
    ];
    expect(shown(log, START + LIMITS.ttlMs - 1)).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(shown(log, START + LIMITS.ttlMs)).toEqual([[2], [2]]);
    expect(shown(restart(START + LIMITS.ttlMs), START + LIMITS.ttlMs)).toEqual([[2], [2]]);
    expect(shown(log, START + LIMITS.ttlMs + 1)).toEqual([[], []]);
    expect(log.top).toBe(2);
  });

  test("[LG3] the top is forgotten without listeners after its time, and the log then has another epoch", () => {
    const { log, restart } = durable();
    publish(log, "a");
    const { logEpoch } = log;
    const last = START + LIMITS.metaTtlMs;
    log.expire(last, { inUse: true });
    log.expire(last - 1, { inUse: false });
    expect([log.top, log.logEpoch]).toEqual([1, logEpoch]);
    expect(log.expire(last, { inUse: false })).toBeUndefined();
    expect(log.top).toBe(0);
    expect(log.logEpoch).not.toBe(logEpoch);
    expect(restart(last)).toMatchObject({ top: 0, logEpoch: log.logEpoch });
    expect(publish(log, "a", last)).toMatchObject({ offset: 1, logEpoch: log.logEpoch, repeated: false });
  });

  test("[LG3] a log outlives its ids, also where its top would be forgotten sooner", () => {
    const { log } = durable({ ...LIMITS, metaTtlMs: MINUTE });
    publish(log, "a");
    const { logEpoch } = log;
    log.expire(START + ID_TTL_MS - 1, { inUse: false });
    expect(publish(log, "a", START + ID_TTL_MS - 1)).toMatchObject({ offset: 1, logEpoch, repeated: true });
    log.expire(START + ID_TTL_MS, { inUse: false });
    expect(log.top).toBe(0);
    expect(log.logEpoch).not.toBe(logEpoch);
  });

  test("[LG4] an id answers for five minutes across trimming, expiry, a clear and a restart, and no longer", () => {
    const { log, restart } = durable({ ...LIMITS, size: 1 });
    publish(log, "a");
    publish(log, "b");
    log.expire(START + LIMITS.ttlMs, { inUse: true });
    log.clear(START);
    const woken = restart(START + ID_TTL_MS - 1);
    expect(publish(woken, "a", START + ID_TTL_MS - 1)).toMatchObject({ offset: 1, repeated: true });
    expect(publish(woken, "a", START + ID_TTL_MS)).toMatchObject({ offset: 3, repeated: false });
  });

  test("[LG2, LG3] a restart changes neither the epoch, nor the top, nor a publication", () => {
    const { log, restart } = durable();
    for (const id of ["a", "b", "c"]) publish(log, id);
    const before = log.view(0, allAt(START));
    expect(restart(START + 1).view(0, allAt(START))).toEqual(before);
  });

  test("[LG1] a write that throws fails its publisher and changes nothing", () => {
    const under = durable();
    const { log, restart } = under;
    publish(log, "a");
    const before = log.view(0, allAt(START));
    under.breaks = true;
    expect(() => publish(log, "b")).toThrow("the disk is full");
    under.breaks = false;
    expect(log.view(0, allAt(START))).toEqual(before);
    expect(restart(START).view(0, allAt(START))).toEqual(before);
    expect(publish(log, "b")).toMatchObject({ offset: 2, repeated: false });
  });

  test("[LG1] a publication larger than a row is refused, and its id is free", () => {
    const { log } = durable();
    const body = "x".repeat(2_000_001);
    expect(log.append({ id: "a", body }, START)).toMatchObject({ refused: "tooLarge", repeated: false });
    expect(log.top).toBe(0);
    expect(log.append({ id: "a", body: body.slice(1) }, START)).toMatchObject({ offset: 1, refused: null });
    // The limit counts bytes, and a character has up to three.
    expect(log.append({ id: "b", body: "€".repeat(700_000) }, START)).toMatchObject({ refused: "tooLarge" });
  });

  test("[LG4] a publication that is not kept takes no offset, and its id publishes once", () => {
    const { log } = durable();
    publish(log, "a");
    const passing = { id: "p", body: "{}", passing: true };
    expect(log.append(passing, START)).toMatchObject({ offset: 0, refused: null, repeated: false });
    expect(log.append(passing, START)).toMatchObject({ offset: 0, refused: null, repeated: true });
    expect(offsetsOf(log.after(0, ALL_OF_IT))).toEqual([1]);
    expect(log.top).toBe(1);
  });

  test("[AP3] a version that is not newer publishes nothing, across a restart, and another epoch begins anew", () => {
    const { log, restart } = durable();
    let ids = 0;
    const append = (to: Log, number: number, epoch: string) =>
      to.append({ id: `${++ids}`, body: "{}", version: { number, epoch } }, START);
    expect(append(log, 5, "x")).toMatchObject({ offset: 1, repeated: false });
    for (const [number, epoch] of [
      [5, "x"],
      [4, "x"],
      [5, ""],
    ] as const)
      expect(append(log, number, epoch)).toMatchObject({ offset: 1, repeated: true });
    const woken = restart(START);
    expect(append(woken, 5, "x")).toMatchObject({ repeated: true });
    expect(append(woken, 1, "y")).toMatchObject({ offset: 2, repeated: false });
    expect(append(woken, 2, "")).toMatchObject({ offset: 3, repeated: false });
    expect(woken.top).toBe(3);
  });

  test("[LG6] a history answers with the kept publications that the query asks for", () => {
    const query = fc.record({
      limit: fc.integer({ min: -1, max: 12 }),
      reverse: fc.boolean(),
      since: fc.option(fc.record({ logEpoch: fc.constantFrom("e1", "", "other"), offset: fc.nat(16) })),
    });
    fc.assert(
      fc.property(fc.nat(14), query, fc.integer({ min: 1, max: 12 }), (count, query, max) => {
        const { log } = durable();
        for (let n = 1; n <= count; n++) publish(log, `${n}`);
        expect(log.history(query, { ...allAt(START), count: max })).toEqual({
          logEpoch: "e1",
          top: count,
          ...expectedHistory(log.after(0, ALL_OF_IT), query, max),
        });
      }),
    );
  });

  test("[LG6] a history of another log is refused, and so is one that reads backwards from the beginning", () => {
    const { log } = durable();
    publish(log, "a");
    const ask = (since: HistoryQuery["since"], reverse = false) =>
      log.history({ limit: 1, reverse, since }, allAt(START)).refused;
    expect(ask({ logEpoch: "other", offset: 0 })).toBe("unrecoverablePosition");
    expect(ask({ logEpoch: "e1", offset: 0 })).toBeNull();
    expect(ask({ logEpoch: "", offset: 0 })).toBeNull();
    expect(ask({ logEpoch: "e1", offset: 0 }, true)).toBe("badRequest");
    expect(ask(null, true)).toBeNull();
  });
});

/** By the rules of the Centrifuge protocol (docs/protocol.md C24). */
function expectedHistory(kept: readonly Publication[], { limit, reverse, since }: HistoryQuery, max: number) {
  if (since?.logEpoch === "other") return { publications: [], refused: "unrecoverablePosition" };
  if (reverse && since?.offset === 0) return { publications: [], refused: "badRequest" };
  const wanted = kept.filter(({ offset }) =>
    since === null ? true : reverse ? offset < since.offset : offset > since.offset,
  );
  const most = limit < 0 ? max : Math.min(limit, max);
  return { publications: (reverse ? wanted.toReversed() : wanted).slice(0, most), refused: null };
}
