import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Position } from "../../../src/contracts/publication.ts";
import type { Log } from "../../../src/log/log.ts";

/** A log of one channel, and the way to open it again after its object has died. */
export type LogUnderTest = {
  readonly log: Log;
  /** Opens the log as the next life of its object does. */
  readonly restart: (now: number) => Log;
};

/** A call of the log. Ids come from a small pool, so that they repeat. */
export type LogCall =
  | { readonly kind: "append"; readonly id: string; readonly body: string }
  | { readonly kind: "clear" }
  | { readonly kind: "expire"; readonly inUse: boolean };

export const START = 1_700_000_000_000;

/** Calls, and the time that passes before each, ms. */
export const logCalls = (
  gapMs: number,
): fc.Arbitrary<{ readonly call: LogCall; readonly gapMs: number }[]> => {
  const append = fc.record({
    kind: fc.constant("append" as const),
    id: fc.nat(11).map((n) => `id ${n}`),
    body: fc.nat(99).map((n) => JSON.stringify({ data: n })),
  });
  const call: fc.Arbitrary<LogCall> = fc.oneof(
    { weight: 8, arbitrary: append },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("expire" as const), inUse: fc.boolean() }) },
  );
  return fc.array(fc.record({ call, gapMs: fc.nat(gapMs) }), { maxLength: 40 });
};

const ALL = { limit: -1, reverse: false, since: null };
/** More than any log of these tests holds. */
export const ALL_OF_IT = { count: 1_000, bytes: 1_000_000_000 };
export const allAt = (now: number) => ({ ...ALL_OF_IT, now });

export const offsetsOf = (publications: readonly { readonly offset: number }[]): number[] =>
  publications.map(({ offset }) => offset);

/** The whole numbers after one up to another. */
const numbers = (after: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - after) }, (_, n) => after + 1 + n);

export const publish = (log: Log, id: string, now = START) =>
  log.append({ id, body: `{"data":"${id}"}` }, now);

/** The laws of every kind of log (SPEC LG2 to LG4). `make` opens an empty one. */
export function testLogContract(make: () => LogUnderTest): void {
  describe("every log", () => {
    test("[LG2] a log begins empty, at offset 0, in an epoch that has a name", () => {
      const { log } = make();
      expect(log.top).toBe(0);
      expect(log.logEpoch).not.toBe("");
      expect(log.view(0, allAt(START))).toEqual({ logEpoch: log.logEpoch, top: 0, publications: [] });
      expect(log.after(0, ALL_OF_IT)).toEqual([]);
    });

    test("[LG2] offsets are contiguous from 1, whatever else happens in a life of the log in use", () => {
      fc.assert(
        fc.property(logCalls(120_000), (calls) => {
          const { log } = make();
          const { logEpoch } = log;
          let now = START;
          let top = 0;
          for (const { call, gapMs } of calls) {
            now += gapMs;
            if (call.kind === "append") {
              const { repeated, ...result } = log.append(call, now);
              if (!repeated) {
                top += 1;
                expect(result).toEqual({ offset: top, logEpoch, refused: null });
              }
            } else if (call.kind === "clear") log.clear(now);
            else log.expire(now, { inUse: true });
            expect([log.top, log.logEpoch]).toEqual([top, logEpoch]);
          }
        }),
      );
    });

    test("[LG4] an id that is repeated within five minutes answers the first result and appends nothing", () => {
      fc.assert(
        fc.property(logCalls(7_000), (calls) => {
          const { log } = make();
          const first = new Map<string, number>();
          let now = START;
          for (const { call, gapMs } of calls) {
            now += gapMs;
            if (call.kind === "clear") log.clear(now);
            if (call.kind === "expire") log.expire(now, call);
            if (call.kind !== "append") continue;
            const known = first.get(call.id);
            const { top } = log;
            expect(log.append(call, now)).toEqual({
              offset: known ?? top + 1,
              logEpoch: log.logEpoch,
              refused: null,
              repeated: known !== undefined,
            });
            expect(log.top).toBe(known === undefined ? top + 1 : top);
            first.set(call.id, known ?? top + 1);
          }
        }),
      );
    });

    test("[LG4] a repeated id counts as repeated with another body too", () => {
      const { log } = make();
      const { offset } = log.append({ id: "a", body: '{"data":1}' }, START);
      expect(log.append({ id: "a", body: '{"data":2}' }, START)).toMatchObject({ offset, repeated: true });
      expect(log.top).toBe(1);
    });

    test("[LG2] a view is contiguous, ends with the top and holds no more than was asked for", () => {
      fc.assert(
        fc.property(logCalls(30_000), fc.nat(30), fc.integer({ min: 1, max: 12 }), (calls, after, limit) => {
          const { log } = make();
          let now = START;
          for (const { call, gapMs } of calls) {
            now += gapMs;
            if (call.kind === "append") log.append(call, now);
            else if (call.kind === "clear") log.clear(now);
            else log.expire(now, call);
          }
          const { logEpoch, top } = log;
          const view = log.view(after, { ...ALL_OF_IT, count: limit, now });
          expect(view).toMatchObject({ logEpoch, top });
          const first = view.publications[0]?.offset ?? top + 1;
          expect(offsetsOf(view.publications)).toEqual(numbers(first - 1, top));
          expect(first).toBeGreaterThan(Math.min(after, top));
          expect(view.publications.length).toBeLessThanOrEqual(limit);
          // The same publications, read from the other end.
          const read = log.after(Math.max(after, first - 1), { ...ALL_OF_IT, count: limit });
          expect(read).toEqual(view.publications);
          expect(log.history({ ...ALL, limit: 0 }, allAt(now))).toMatchObject({
            logEpoch,
            top,
            publications: [],
          });
        }),
      );
    });

    test("[LG2] a clear drops every publication, keeps the top, and the next publication follows it", () => {
      const { log } = make();
      for (const id of ["a", "b", "c"]) publish(log, id);
      log.clear(START);
      expect(log.view(0, allAt(START))).toEqual({ logEpoch: log.logEpoch, top: 3, publications: [] });
      expect(log.after(0, ALL_OF_IT)).toEqual([]);
      expect(publish(log, "b")).toMatchObject({ offset: 2, repeated: true });
      expect(publish(log, "d")).toMatchObject({ offset: 4, repeated: false });
    });

    test("[LG3] an epoch stands for one numbering: it is another after a life in which offsets were forgotten", () => {
      fc.assert(
        fc.property(logCalls(900_000), fc.array(fc.nat(39)), (calls, restarts) => {
          const under = make();
          let { log } = under;
          const bodies = new Map<string, string>();
          let now = START;
          for (const [n, { call, gapMs }] of calls.entries()) {
            now += gapMs;
            if (restarts.includes(n)) log = under.restart(now);
            if (call.kind === "clear") log.clear(now);
            if (call.kind === "expire") log.expire(now, call);
            if (call.kind !== "append") continue;
            const { offset, logEpoch, repeated } = log.append(call, now);
            if (repeated) continue;
            const position: Position = { logEpoch, offset };
            expect(bodies.get(JSON.stringify(position))).toBeUndefined();
            bodies.set(JSON.stringify(position), call.body);
          }
        }),
      );
    });

    test("[LG2] an expiry is never due at once again, and a log that runs by its appointments comes to rest", () => {
      const { log } = make();
      for (const id of ["a", "b", "c"]) publish(log, id);
      let now = START;
      let runs = 0;
      for (
        let due = log.expire(now, { inUse: false });
        due !== undefined;
        due = log.expire(now, { inUse: false })
      ) {
        expect(due).toBeGreaterThan(now);
        now = due;
        runs += 1;
        expect(runs).toBeLessThan(100);
      }
      expect(log.after(0, ALL_OF_IT)).toEqual([]);
    });
  });
}
