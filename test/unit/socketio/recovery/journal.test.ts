import { expect, test, vi } from "vitest";
import { Journal } from "../../../../src/socketio/recovery/journal.ts";
import { SavedSessions, type SavedSession } from "../../../../src/socketio/recovery/saved-sessions.ts";
import { SimStorage } from "../../../sim/storage.ts";

const platform = (storage: SimStorage) => storage as unknown as DurableObjectStorage;
const BATCH = { count: 2, logEpoch: "e", since: 0, unions: [] };
const MESSAGE = { text: '42["e"]' };

test("[SO43] a place in the journal is given once, also after a restart and when every row is gone", () => {
  const storage = new SimStorage();
  let journal = new Journal(platform(storage));
  expect(journal.appendBatch("a", BATCH, 1)).toBe(1);
  expect(journal.appendDirect("id", MESSAGE, 2)).toBe(3);
  const { journalEpoch } = journal.offsetAt(0);
  journal = new Journal(platform(storage));
  expect(journal.appendBatch("a", BATCH, 3)).toBe(4);
  journal.trim(10, () => false);
  expect(journal.isEmpty).toBe(true);
  journal = new Journal(platform(storage));
  expect(journal.appendBatch("a", BATCH, 11)).toBe(6);
  expect(journal.offsetAt(7)).toEqual({ journalEpoch, sequence: 7 });
});

test("[SO43] the events for one socket are read back in order; one that no row can hold is missed", () => {
  const journal = new Journal(platform(new SimStorage()));
  journal.appendDirect("id", MESSAGE, 1);
  journal.appendDirect("other", MESSAGE, 1);
  journal.appendDirect("id", null, 1);
  journal.appendDirect("id", { text: '42["f"]', attachments: ["AA=="] }, 1);
  expect(journal.direct("id", 0)).toEqual([MESSAGE, { text: '42["f"]', attachments: ["AA=="] }]);
  expect(journal.direct("id", 1)).toHaveLength(1);
  const before = journal.top;
  journal.appendDirect("id", { text: `42["${"x".repeat(1_000_000)}"]` }, 1);
  expect(journal.direct("id", 0)).toBeUndefined();
  expect(journal.direct("id", before + 1)).toEqual([]);
});

test("[SO44] the journal stays within its rows and its characters, and keeps the place of channels in use", () => {
  const storage = new SimStorage();
  const journal = new Journal(platform(storage), { rows: 80, chars: 10_000 });
  const rows = (): number => storage.sql.exec("SELECT * FROM socketio_journal").toArray().length;
  journal.appendBatch("quiet", { ...BATCH, since: 40 }, 0);
  for (let n = 0; n < 1_000; n++) {
    journal.appendBatch("busy", { ...BATCH, since: 2 * n }, n);
    journal.appendDirect("id", { text: `42["${"x".repeat(n)}"]` }, n);
    expect(rows()).toBeLessThanOrEqual(80);
  }
  expect(journal.view().index.lastUpTo("quiet", journal.top)).toMatchObject({ since: 40 });
  expect(journal.view().trimmed.sequence).toBeGreaterThan(2_000);
  journal.trim(2_000, (channel) => channel === "busy");
  expect(rows()).toBe(1);
});

test("[SO44] more channels in use than rows begin another journal, and no session before is recovered", () => {
  const told = vi.spyOn(console, "error").mockReturnValue();
  const journal = new Journal(platform(new SimStorage()), { rows: 20, chars: 10_000 });
  const { journalEpoch } = journal.offsetAt(0);
  for (let n = 0; n < 100; n++) journal.appendBatch(`${n}`, BATCH, n);
  expect(journal.view().epoch).not.toBe(journalEpoch);
  expect(journal.top).toBe(200);
  expect(told).toHaveBeenCalled();
});

test("[SO44] sessions are kept until their time, and an open one for as long as it is open", () => {
  const storage = new SimStorage();
  const state = { nsp: "/", data: {}, epoch: "e", start: 0, channels: {} };
  const session = (id: string): SavedSession => ({ id, secret: "s", state });
  const saved = new SavedSessions(platform(storage));
  expect(saved.isEmpty).toBe(true);
  saved.save(session("open"));
  saved.save({ ...session("gone"), gone: { upTo: 1, receivedAt: 0, until: 100 } });
  saved.save({ ...session("moved"), moved: { to: "wnam.s2", by: "c", until: 200 } });
  expect(saved.openIds()).toEqual(["open"]);
  expect(saved.expire(100)).toBe(100);
  expect(saved.expire(101)).toBe(200);
  expect(saved.find("gone")).toBeUndefined();
  const again = new SavedSessions(platform(storage));
  expect(again.find("moved")).toMatchObject({ moved: { to: "wnam.s2" } });
  expect(again.expire(201)).toBeUndefined();
  again.delete("open");
  expect(again.isEmpty).toBe(true);
});

test("[SO43] a journal whose first writes or first look have thrown goes on as if it had not been asked", () => {
  const storage = new SimStorage();
  const refuse = (): never => {
    throw new Error("database or disk is full: SQLITE_FULL");
  };
  const journal = new Journal(platform(storage));
  const put = vi.spyOn(storage.kv, "put").mockImplementationOnce(refuse);
  expect(() => journal.appendBatch("a", BATCH, 1)).toThrow("SQLITE_FULL");
  expect(journal.appendBatch("a", BATCH, 1)).toBe(1);
  put.mockRestore();
  const { journalEpoch } = journal.offsetAt(0);

  const next = new Journal(platform(storage));
  const get = vi.spyOn(storage.kv, "get").mockImplementationOnce(refuse);
  expect(() => next.appendBatch("a", BATCH, 2)).toThrow("SQLITE_FULL");
  expect(next.appendBatch("a", BATCH, 2)).toBe(3);
  expect(next.offsetAt(0).journalEpoch).toBe(journalEpoch);
  get.mockRestore();
});

test("[SO41, SO43] rows whose end could not be written down are not removed", () => {
  const storage = new SimStorage();
  const journal = new Journal(platform(storage));
  for (let n = 1; n <= 3; n++) journal.appendBatch("a", { ...BATCH, since: 2 * n }, n);
  vi.spyOn(storage.kv, "put").mockImplementationOnce(() => {
    throw new Error("database or disk is full: SQLITE_FULL");
  });
  expect(() => journal.trim(3, () => true)).toThrow("SQLITE_FULL");
  const { trimmed, index } = new Journal(platform(storage)).view();
  expect(trimmed.sequence === 0 ? index.lastUpTo("a", 2) : "trimmed").toMatchObject({ first: 1 });
  vi.restoreAllMocks();
});
