import { describe, expect, test } from "vitest";
import { refusalReason } from "../../../src/centrifuge/refusal-reason.ts";

describe("[FH2] in development the reason of a close says what is missing", () => {
  test.each([
    [{ why: "noToken" }, /^no token: .*getToken.*RINGCAST.*anonymous/],
    [
      { why: "invalidToken", detail: "JOSEAlgNotAllowed: no key for HS256" },
      /^invalid token: .*no key for HS256$/,
    ],
    [{ why: "invalidToken", detail: "é".repeat(500) }, /^invalid token: \?+$/],
    [{ why: "foreignKey" }, /affinity\.userIsKey/],
  ] as const)("%j", (refused, said) => {
    const reason = refusalReason({ kind: "refused", ...refused });
    expect(reason).toMatch(said);
    // As a close frame takes it (docs/platform.md P13).
    expect(new TextEncoder().encode(reason).byteLength).toBeLessThanOrEqual(123);
  });

  test("a client that fetches another token by itself hears the code alone", () => {
    for (const why of ["tokenExpired", "unavailable"] as const)
      expect(refusalReason({ kind: "refused", why })).toBeUndefined();
  });
});
