import { expect, test } from "vitest";
import { DISCONNECTS, ERRORS } from "../../../src/centrifuge/codes.ts";
import { addCodes, codeRows, NO_CODES } from "../../../src/console/model/code-counts.ts";
import type { CodeCount, CodeKind } from "../../../src/contracts/live.ts";

const counted = (kind: CodeKind, code: string | number, count = 1): CodeCount => ({
  kind,
  code: String(code),
  count,
});

test("[OP22] codes add up over pulses, the most frequent first, and each of the cluster's own has a meaning", () => {
  const codes = [counted("close", 3008), counted("close", 4001, 5), counted("refusal", "full", 3)];
  const totals = addCodes(addCodes(addCodes(NO_CODES, { codes }), {}), { codes });
  expect(codeRows("close", totals).map(({ code, count }) => [code, count])).toEqual([
    ["4001", 10],
    ["3008", 2],
  ]);
  expect(codeRows("refusal", totals)).toMatchObject([{ code: "full", count: 6 }]);
  const own = addCodes(NO_CODES, {
    codes: [
      ...Object.values(DISCONNECTS).map(({ code }) => counted("close", code)),
      ...Object.values(ERRORS).map(({ code }) => counted("error", code)),
    ],
  });
  for (const kind of ["close", "error"] as const)
    for (const row of codeRows(kind, own)) expect(row.meaning, row.code).not.toContain("application");
});

test("[OP22] a peer that makes up codes fills no memory", () => {
  const codes = Array.from({ length: 500 }, (_, n) => counted("close", 4_500 + n));
  const totals = addCodes(NO_CODES, { codes });
  expect(totals.close.size).toBeLessThanOrEqual(101);
  expect(codeRows("close", totals)[0]).toMatchObject({ code: "other", count: 400 });
});
