import { expect, test } from "vitest";
import { fail, statusOf } from "../../../src/router/api/answer.ts";

test("[AP1] each error of the server API has the code and the status that Centrifugo gives it", () => {
  for (const [name, code, status] of [
    ["internal", 100, 500],
    ["unknownChannel", 102, 404],
    ["methodNotFound", 104, 404],
    ["badRequest", 107, 400],
    ["notAvailable", 108, 400],
    ["unrecoverablePosition", 112, 416],
    ["conflict", 113, 409],
  ] as const) {
    expect(fail(name).error.code).toBe(code);
    expect(statusOf(code)).toBe(status);
  }
});
