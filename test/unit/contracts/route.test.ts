import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRoute, encodeRoute, type Route } from "../../../src/contracts/route.ts";

const route = (key: string): Route => ({
  contract: 3,
  key,
  clientRegion: "auto",
  ringEpoch: 1,
  digest: "d",
  refused: [],
});

test("[CT1] a route comes through a header whatever its key is, also to a shard of the release before", () => {
  // How release 0.2.0 reads the header.
  const decodeBefore = (text: string): unknown => JSON.parse(decodeURIComponent(text));
  const check = (key: string): void => {
    const value = new Headers({ route: encodeRoute(route(key)) }).get("route") ?? "";
    expect(decodeRoute(value)).toEqual(route(key));
    expect(decodeBefore(value)).toEqual(route(key));
  };
  for (const key of ["ann", "100%", "%41", "a b ", "ä", "\u{1F600}", '"\\', "\n"]) check(key);
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), check));
});
