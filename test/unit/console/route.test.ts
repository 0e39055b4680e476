import { expect, test } from "vitest";
import { hashOf, readRoute, type Route } from "../../../src/console/model/route.ts";

test.each<[string, Partial<Route>]>([
  ["", { page: "overview" }],
  ["#/", { page: "overview" }],
  ["#key=secret", { page: "overview" }],
  ["#/nothing/here?a=1", { page: "overview" }],
  ["#/constructor", { page: "overview" }],
  ["#/shards?find=auto-1&sort=share", { page: "shards", query: { find: "auto-1", sort: "share" } }],
  ["#/channels/chat%3A1%2F2%3F", { page: "channels", item: "chat:1/2?" }],
  ["#/channels/100%", { page: "channels", item: "100%" }],
])("[OP17] the address %s is read", (hash, route) => {
  expect(readRoute(hash)).toMatchObject(route);
});

test.each<Route>([
  { page: "overview", item: "", query: {} },
  { page: "channels", item: "chat:1/2?#%é ", query: {} },
  { page: "shards", item: "", query: { find: "a&b=c", state: "down" } },
])("[OP17] the address of %j is read as it was written", (route) => {
  expect(readRoute(hashOf(route))).toEqual(route);
});

test("[OP17] an empty filter is left out of an address", () => {
  expect(hashOf({ page: "shards", query: { find: "", state: "down" } })).toBe("#/shards?state=down");
});
