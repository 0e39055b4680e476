import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogView, Publication } from "../../../src/contracts/publication.ts";
import { planCacheRecovery, planRecovery, proves } from "../../../src/log/recovery.ts";

const pub = (offset: number): Publication => ({ kind: "pub", offset, body: `p${offset}` });

/** Any log that keeps the newest `kept` of `top` publications. */
const logs = fc.record({ top: fc.nat(40), kept: fc.nat(40) }).map(({ top, kept }): LogView => {
  const first = Math.max(1, top - kept + 1);
  const publications = Array.from({ length: top - first + 1 }, (_, n) => pub(first + n));
  return { logEpoch: "e", top, publications };
});

test("[DL2, DL3] a recovery gives everything after the position, or nothing", () => {
  fc.assert(
    fc.property(
      logs,
      fc.nat(50),
      fc.constantFrom("e", "", "f"),
      fc.integer({ min: 1, max: 50 }),
      (log, offset, logEpoch, limit) => {
        const recovery = planRecovery(log, { offset, logEpoch }, { count: limit, bytes: Infinity });
        const owed = log.top - offset;
        const possible = logEpoch !== "f" && owed >= 0 && owed <= limit && owed <= log.publications.length;
        expect(recovery.kind).toBe(possible ? "resume" : "restart");
        if (recovery.kind !== "resume") return;
        expect(recovery.publications.map((one) => one.offset)).toEqual(
          Array.from({ length: owed }, (_, n) => offset + 1 + n),
        );
      },
    ),
  );
});

test("[DL6] a view that proves a position recovers it", () => {
  fc.assert(
    fc.property(logs, fc.nat(50), fc.constantFrom("e", "", "f"), (log, offset, logEpoch) => {
      const since = { offset, logEpoch };
      expect(proves(log, since)).toBe(
        planRecovery(log, since, { count: Infinity, bytes: Infinity }).kind === "resume",
      );
    }),
  );
});

test("[DL9] in cache mode the newest is given to a client that does not have it", () => {
  const log: LogView = { logEpoch: "e", top: 9, publications: [pub(8), pub(9)] };
  const given = (offset: number, logEpoch: string, view = log) => {
    const recovery = planCacheRecovery(view, { offset, logEpoch });
    return recovery.kind === "resume" ? recovery.publications.map((one) => one.offset) : recovery.kind;
  };
  expect(given(9, "e")).toEqual([]);
  expect(given(9, "f")).toEqual([9]);
  expect(given(0, "")).toEqual([9]);
  expect(given(3, "e", { ...log, publications: [] })).toBe("restart");
  expect(given(0, "e", { logEpoch: "e", top: 0, publications: [] })).toBe("restart");
});

test("[BD6] a resume of more bytes than one answer holds is not recovered, and one of as many is", () => {
  const log = {
    logEpoch: "e",
    top: 3,
    publications: [1, 2, 3].map((n) => ({ ...pub(n), body: "x".repeat(100) })),
  };
  const plan = (offset: number) => planRecovery(log, { logEpoch: "e", offset }, { count: 10, bytes: 200 });
  expect(plan(0)).toMatchObject({ kind: "restart" });
  expect(plan(1)).toMatchObject({ kind: "resume", publications: log.publications.slice(1) });
});
