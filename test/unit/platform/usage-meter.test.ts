import { expect, test } from "vitest";
import { UsageMeter } from "../../../src/platform/usage-meter.ts";
import { SimStorage } from "../../sim/storage.ts";

test("[EL50] the rows of a list are counted as they are read, and the meter holds none of them", () => {
  const storage = new SimStorage().ofLife();
  const ctx = { storage, waitUntil: () => undefined } as unknown as DurableObjectState;
  const meter = new UsageMeter({}, ctx);
  for (const key of ["a", "b", "c"]) storage.kv.put(key, key);
  for (const [key] of storage.kv.list()) if (key === "b") break;
  expect(meter.take(0)).toMatchObject({ rowsRead: 2, rowsWritten: 3 });
  expect([...storage.kv.list()].map(([key]) => key)).toEqual(["a", "b", "c"]);
  expect(meter.take(0)).toMatchObject({ rowsRead: 3, rowsWritten: 0 });
});
