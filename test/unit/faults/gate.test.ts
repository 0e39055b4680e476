import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Gate } from "../../faults/gate.ts";

test("[FT1] the gate is closed while its file exists, and tells each change", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ringcast-gate-"));
  const file = join(folder, "quiet");
  writeFileSync(file, "");
  const gate = new Gate(file, 5);
  expect(gate.isClosed).toBe(true);
  const { promise: told, resolve } = Promise.withResolvers<boolean>();
  gate.onChange(resolve);
  let isOpen = false;
  const opened = gate.opened().then(() => (isOpen = true));
  await Promise.resolve();
  expect(isOpen).toBe(false);
  rmSync(folder, { recursive: true });
  await opened;
  expect(await told).toBe(false);
  expect(gate.isClosed).toBe(false);
  expect(new Gate(undefined).isClosed).toBe(false);
});
