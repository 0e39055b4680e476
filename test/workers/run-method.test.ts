import { expect, test } from "vitest";
import type { Call } from "../../src/router/api/method.ts";
import { runMethod } from "../../src/router/api/run-method.ts";

test("[AP1] nesting that no field has is a wrong value like any other", async () => {
  const deep: unknown = JSON.parse(`${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`);
  const answer = await runMethod({} as Call, {
    name: "publish",
    params: { channel: deep, data: 1 },
    access: "full",
  });
  expect(answer).toMatchObject({ error: { code: 107 } });
});
