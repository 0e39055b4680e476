import { expect, test } from "vitest";
import { idsToForget } from "../../../src/coordinator/retention.ts";

test("[BD54] [MB3] of many former ids the oldest are forgotten, and never the highest number of a region", () => {
  const used = ["weur-1", "weur-3", "weur-2", "own-name", "auto-1", "auto-2", "auto-3", "auto-4"];
  const forget = (most: number, present: readonly string[] = []) =>
    idsToForget(used, { present: new Set(present), most });
  expect(forget(8)).toEqual([]);
  expect(forget(4)).toEqual(["weur-1", "weur-2", "own-name"]);
  expect(forget(4, ["weur-1"])).toEqual(["weur-2", "own-name"]);
  expect(forget(0)).toEqual(["weur-1", "weur-2", "own-name", "auto-1", "auto-2", "auto-3"]);
});
