import { expect, test } from "vitest";
import { clusterUrl } from "../../../src/console/model/cluster-url.ts";

test.each([
  ["https://a.test/", "https://a.test/admin/api/cluster"],
  ["https://a.test/index.html#key=x", "https://a.test/admin/api/cluster"],
  ["https://a.test/console/", "https://a.test/admin/api/cluster"],
  ["https://a.test/realtime/console/?a=1", "https://a.test/realtime/admin/api/cluster"],
  ["https://a.test/realtime/", "https://a.test/realtime/admin/api/cluster"],
])("[PK7] the console at %s calls the cluster there", (page, expected) => {
  expect(clusterUrl(page, "admin/api/cluster").href).toBe(expected);
});
