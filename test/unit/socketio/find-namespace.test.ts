import { expect, test, vi } from "vitest";
import { findNamespace } from "../../../src/socketio/find-namespace.ts";
import { ServerHandlers, type NamespaceFunction } from "../../../src/socketio/registry.ts";

const LIMITS = { channelBytes: 255, timeoutMs: 20 };
const find = (io: ServerHandlers, nsp: string, auth = {}) => findNamespace(io, { nsp, auth }, LIMITS);

test("[SO30] the named namespace comes first, and then patterns and functions in their order", async () => {
  const io = new ServerHandlers();
  const byName = io.of("/org-1");
  const byPattern = io.of(/^\/org-\d$/);
  const byFunction = io.of((name, _, next) => next(null, name.startsWith("/org-")));
  expect(await find(io, "/")).toEqual({});
  expect(io.handlersOf("/org-1", (await find(io, "/org-1"))?.foundBy)).toBe(byName);
  expect(io.handlersOf("/org-2", (await find(io, "/org-2"))?.foundBy)).toBe(byPattern);
  expect(io.handlersOf("/org-22", (await find(io, "/org-22"))?.foundBy)).toBe(byFunction);
  expect(await find(io, "/other")).toBe(undefined);
  expect(() => io.of(/^\/x/g)).toThrow("stateful regular expressions");
});

test("[SO30] a function that is late, rejects or gives an error knows no namespace, and the next one is asked", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const io = new ServerHandlers();
  io.of(() => undefined);
  io.of(async () => {
    throw new Error("a detail of the server");
  });
  io.of((_, __, next) => next(new Error("no"), true));
  const last = io.of((_, auth, next) => next(null, auth["token"] === "yes"));
  expect(io.handlersOf("/any", (await find(io, "/any", { token: "yes" }))?.foundBy)).toBe(last);
  expect(await find(io, "/any")).toBe(undefined);
  expect(logged.mock.calls.length).toBe(4);
  logged.mockRestore();
});

test("[SO30] no function is asked for a name that no channel can have", async () => {
  const io = new ServerHandlers();
  const asked = vi.fn<NamespaceFunction>();
  io.of(asked);
  expect(await find(io, `/${"x".repeat(255)}`)).toBe(undefined);
  expect(await find(io, "/\ud800")).toBe(undefined);
  expect(asked).not.toHaveBeenCalled();
});
