import fc from "fast-check";
import { expect, test } from "vitest";
import { REGIONS, type Region } from "../../../src/config/regions.ts";
import { regionOf } from "../../../src/router/connection.ts";

const PLACES: [city: string, continent: string, longitude: string, region: Region][] = [
  ["San Francisco", "NA", "-122.41940", "wnam"],
  ["New York", "NA", "-74.00600", "enam"],
  ["Chicago", "NA", "-87.62980", "enam"],
  ["São Paulo", "SA", "-46.63330", "sam"],
  ["London", "EU", "-0.12780", "weur"],
  ["Berlin", "EU", "13.40500", "weur"],
  ["Warsaw", "EU", "21.01220", "eeur"],
  ["Dubai", "AS", "55.27080", "me"],
  ["Mumbai", "AS", "72.87770", "apac"],
  ["Tokyo", "AS", "139.69170", "apac"],
  ["Sydney", "OC", "151.20930", "oc"],
  ["Lagos", "AF", "3.37920", "afr"],
];

test.each(PLACES)("[RG5] a client in %s is one of the nearest region", (_, continent, longitude, region) => {
  // The edge gives the longitude as text.
  expect(regionOf({ continent, longitude })).toBe(region);
  expect(regionOf({ continent, longitude: Number(longitude) })).toBe(region);
});

test.each([
  ["NA", -100, "wnam", "enam"],
  ["EU", 15, "weur", "eeur"],
  ["AS", 60, "me", "apac"],
])(
  "[RG5] on the line that splits %s, at %d degrees, the eastern region begins",
  (continent, line, west, east) => {
    expect(regionOf({ continent, longitude: line - 0.001 })).toBe(west);
    expect(regionOf({ continent, longitude: line })).toBe(east);
  },
);

test("[RG5] a client that the edge cannot place is of no region, and so goes to the default one", () => {
  expect(regionOf(undefined)).toBe("auto");
  expect(regionOf({})).toBe("auto");
  expect(regionOf({ longitude: "13.4" })).toBe("auto");
  // Antarctica, and what Cloudflare calls Tor.
  expect(regionOf({ continent: "AN", longitude: "0" })).toBe("auto");
  expect(regionOf({ continent: "T1" })).toBe("auto");
});

test.each([
  ["NA", "enam"],
  ["EU", "weur"],
])("[RG5] a client in %s whose longitude is unknown is taken to be in %s", (continent, region) => {
  expect(regionOf({ continent })).toBe(region);
});

test("[RG5] the answer is a region for anything that the edge says", () => {
  const continent = fc.oneof(fc.constantFrom("NA", "SA", "EU", "AS", "OC", "AF", "AN"), fc.anything());
  const longitude = fc.oneof(fc.double(), fc.string(), fc.constant(undefined), fc.constant(null));
  fc.assert(
    fc.property(continent, longitude, (continent, longitude) => {
      expect(REGIONS).toContain(regionOf({ continent, longitude }));
    }),
  );
});
