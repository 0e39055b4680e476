import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expect, test, vi } from "vitest";
import { problemOf } from "../../../src/typed/schemas.ts";

type Validate = StandardSchemaV1["~standard"]["validate"];
const schemaOf = (validate: Validate): StandardSchemaV1 => ({
  "~standard": { version: 1, vendor: "test", validate },
});

test("[PK10] a schema that never answers, or throws later, has failed", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const never = schemaOf(() => new Promise(() => undefined));
  expect(await problemOf(never, 1, 20)).toEqual({ kind: "failed" });
  const late = schemaOf(() => Promise.reject(new Error("no store")));
  expect(await problemOf(late, 1, 60_000)).toEqual({ kind: "failed" });
});

test("[PK10] a schema may answer later", async () => {
  const later = schemaOf((value) =>
    Promise.resolve(value === 1 ? { value } : { issues: [{ message: "no" }] }),
  );
  expect(await problemOf(later, 1, 60_000)).toBeUndefined();
  expect(await problemOf(later, 2, 60_000)).toEqual({ kind: "wrong", detail: "data: no" });
});
