import { expect, test } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { KnownFaults } from "./known-faults.ts";

const settle = (contract: number) => ({
  method: "settle",
  args: ["auto/auto-1", contract],
  callerHasEnded: false,
});
const SETTLED_BEFORE = settle(CONTRACT - 1);
const SETTLED = settle(CONTRACT);
const RETURNED_BEFORE = { ...SETTLED_BEFORE, returned: true };
const RETURNED = { ...SETTLED, returned: true };
const register = (callerHasEnded: boolean) => ({
  method: "register",
  args: [{ name: "auto/auto-1" }, null, CONTRACT],
  callerHasEnded,
});

type Call = ReturnType<typeof register | typeof settle> & { readonly returned?: boolean };

function excuses(calls: readonly Call[]): boolean {
  const faults = new KnownFaults();
  for (const { returned = false, ...call } of calls) {
    const ended = { name: "CHANNEL room", answer: false, release: undefined, ...call };
    if (returned) faults.returned({ ...ended, tookMs: 10 });
    else faults.take(ended);
  }
  return faults.excuses("room", ["auto/auto-1"]);
}

test.each([
  { calls: [SETTLED_BEFORE, register(true)], excused: true },
  { calls: [SETTLED, register(true)], excused: false },
  { calls: [register(true), SETTLED_BEFORE], excused: false },
  { calls: [SETTLED_BEFORE, register(false)], excused: false },
  { calls: [SETTLED_BEFORE, register(false), register(true)], excused: false },
  { calls: [SETTLED_BEFORE, register(true), register(false)], excused: false },
  { calls: [SETTLED_BEFORE, register(true), SETTLED], excused: false },
  { calls: [SETTLED_BEFORE, register(true), SETTLED_BEFORE], excused: false },
  { calls: [SETTLED_BEFORE, register(true), SETTLED_BEFORE, register(true)], excused: true },
])("[HK7] case %#: only a late register call that release 0.2.0 forgets is excused", ({ calls, excused }) => {
  expect(excuses(calls)).toBe(excused);
});

test.each([
  { calls: [SETTLED_BEFORE, register(false), RETURNED_BEFORE], excused: true },
  { calls: [SETTLED, register(false), RETURNED], excused: false },
  { calls: [SETTLED_BEFORE, RETURNED_BEFORE, register(false)], excused: false },
  { calls: [SETTLED_BEFORE, register(false), SETTLED_BEFORE, RETURNED_BEFORE], excused: false },
  { calls: [SETTLED_BEFORE, register(false), RETURNED_BEFORE, register(false)], excused: false },
  { calls: [SETTLED_BEFORE, register(false), RETURNED_BEFORE, SETTLED], excused: false },
])("[HK7] case %#: only an old answer by which release 0.2.0 forgets is excused", ({ calls, excused }) => {
  expect(excuses(calls)).toBe(excused);
});

test("[HK7] a channel is excused where each shard that it has still registered is", () => {
  const faults = new KnownFaults();
  for (const call of [SETTLED_BEFORE, register(true)])
    faults.take({ name: "CHANNEL room", answer: false, release: undefined, ...call });
  expect(faults.excuses("room", ["auto/auto-1"])).toBe(true);
  expect(faults.excuses("room", ["auto/auto-1", "auto/auto-2"])).toBe(false);
  expect(faults.excuses("room", [])).toBe(false);
  expect(faults.excuses("hall", ["auto/auto-1"])).toBe(false);
});
