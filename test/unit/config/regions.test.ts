import { describe, expect, test } from "vitest";
import { REGIONS, regionsToOpen } from "../../../src/config/regions.ts";

describe("[EL48] a region opens by itself only where that is right", () => {
  const real = REGIONS.filter((region) => region !== "auto");

  test("a cluster whose shards are anywhere opens none, unless its operator has given a number of clients", () => {
    expect(regionsToOpen({ defaultRegion: "auto", regionMin: undefined })).toEqual([]);
    expect(regionsToOpen({ defaultRegion: "auto", regionMin: 500 })).toEqual(real);
  });

  test("a cluster with a default region opens every real region", () => {
    expect(regionsToOpen({ defaultRegion: "weur", regionMin: undefined })).toEqual(real);
    const within = { defaultRegion: "weur", regionMin: undefined, jurisdiction: "eu" as const };
    expect(regionsToOpen(within)).toEqual(["weur", "eeur"]);
  });
});
