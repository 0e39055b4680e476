import { expect, test } from "vitest";
import type { Call } from "../../src/router/api/method.ts";
import { runMethod } from "../../src/router/api/run-method.ts";

test("[AP1] a value that is nested too deeply is refused like any other wrong value", async () => {
  const deep: unknown = JSON.parse(`${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`);
  const answer = await runMethod({} as Call, {
    name: "publish",
    params: { channel: deep, data: 1 },
    access: "full",
  });
  expect(answer).toMatchObject({ error: { code: 107 } });
});
