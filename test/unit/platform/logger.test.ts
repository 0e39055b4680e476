import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { logError, logWarning } from "../../../src/platform/logger.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => void vi.restoreAllMocks());

test("a log line is one object: the sentence and its fields", () => {
  logError("a shard did not answer", {
    channel: "room",
    shard: "weur-1",
    session: "s",
    attempt: 2,
    front: "x",
  });
  expect(vi.mocked(console.error).mock.calls).toEqual([
    [
      {
        message: "a shard did not answer",
        channel: "room",
        shard: "weur-1",
        session: "s",
        attempt: 2,
        front: "x",
      },
    ],
  ]);
  expect(console.warn).not.toHaveBeenCalled();
});

test("a warning is a warning to the platform", () => {
  logWarning("a token is invalid", { session: "s" });
  expect(vi.mocked(console.warn).mock.calls).toEqual([[{ message: "a token is invalid", session: "s" }]]);
  expect(console.error).not.toHaveBeenCalled();
});

test("an error is logged as text, with its stack", () => {
  const error = new TypeError("gone");
  logError("a frame failed", { session: "s", error });
  expect(vi.mocked(console.error).mock.calls).toEqual([
    [{ message: "a frame failed", session: "s", error: error.stack }],
  ]);
  expect(error.stack).toContain("TypeError: gone");
  expect(error.stack).toContain("logger.test.ts");
});

test.each([
  [Object.assign(new Error("no stack"), { stack: undefined }), "Error: no stack"],
  ["a text", "a text"],
  [null, "null"],
])("a value that was thrown without a stack is logged as text (%s)", (error, text) => {
  logError("a frame failed", { error });
  expect(vi.mocked(console.error).mock.calls).toEqual([[{ message: "a frame failed", error: text }]]);
});
