import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isInstalled } from "../../../scripts/installed.mjs";

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const lock = {
  packages: {
    "": { version: "1.0.0" },
    "node_modules/hono": { version: "4.0.0" },
    "node_modules/workerd-windows": { version: "2.0.0", optional: true },
  },
};
const installed = (hono?: string) => ({
  packages: hono === undefined ? {} : { "node_modules/hono": { version: hono } },
});

test("packages are installed where each has the version of the lock file, without those of other platforms", () => {
  expect(isInstalled(lock, installed("4.0.0"))).toBe(true);
  expect(isInstalled(lock, installed("4.0.1"))).toBe(false);
  expect(isInstalled(lock, installed())).toBe(false);
  expect(isInstalled(lock, undefined)).toBe(false);
});

test("the packages that run this test are those of the lock file", () => {
  expect(isInstalled(read("package-lock.json"), read("node_modules/.package-lock.json"))).toBe(true);
});
