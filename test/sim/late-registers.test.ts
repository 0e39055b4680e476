import { expect, test } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { LateRegisters } from "./late-registers.ts";

const SETTLED_BEFORE = { method: "settle", args: ["auto/auto-1", CONTRACT - 1], callerHasEnded: false };
const SETTLED = { method: "settle", args: ["auto/auto-1", CONTRACT], callerHasEnded: false };
const register = (callerHasEnded: boolean) => ({
  method: "register",
  args: [{ name: "auto/auto-1" }, null, CONTRACT],
  callerHasEnded,
});

test.each([
  { calls: [SETTLED_BEFORE, register(true)], excused: true },
  { calls: [SETTLED, register(true)], excused: false },
  { calls: [register(true), SETTLED_BEFORE], excused: false },
  { calls: [SETTLED_BEFORE, register(false)], excused: false },
  { calls: [SETTLED_BEFORE, register(false), register(true)], excused: false },
])("[HK7] case %#: only a late register call that release 0.2.0 forgets is excused", ({ calls, excused }) => {
  const late = new LateRegisters();
  for (const call of calls) late.take({ name: "CHANNEL room", answer: false, ...call });
  expect(late.has("room")).toBe(excused);
});
