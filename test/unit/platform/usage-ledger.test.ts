import { expect, test } from "vitest";
import { NO_USAGE, type Usage } from "../../../src/contracts/usage.ts";
import { UsageLedger } from "../../../src/platform/usage-ledger.ts";

const DAY_MS = 86_400_000;

/** A ledger, and a way to say what its object has used. */
function setUp(now: number) {
  let used: Usage = NO_USAGE;
  const meter = {
    take: () => {
      const taken = used;
      used = NO_USAGE;
      return taken;
    },
  };
  const ledger = new UsageLedger(meter, now);
  return { ledger, use: (usage: Partial<Usage>) => void (used = { ...NO_USAGE, ...usage }) };
}

test("[EL53] a ledger has the present day and the day before, and says since when", () => {
  const { ledger, use } = setUp(0);
  use({ calls: 1 });
  ledger.hear("chat", { ...NO_USAGE, rowsWritten: 10 });
  expect(ledger.report(1_000)).toMatchObject({ since: 0, own: { calls: 1 } });
  use({ calls: 2 });
  expect(ledger.report(DAY_MS)).toMatchObject({ since: 0, own: { calls: 3 } });
  use({ calls: 4 });
  ledger.hear("chat", { ...NO_USAGE, rowsWritten: 20 });
  const second = ledger.report(DAY_MS + 1_000);
  expect(second).toMatchObject({ since: 0, own: { calls: 7 }, channels: { chat: { rowsWritten: 30 } } });
  use({ calls: 8 });
  ledger.report(2 * DAY_MS);
  // The first day is forgotten.
  expect(ledger.report(2 * DAY_MS)).toMatchObject({
    since: DAY_MS,
    own: { calls: 12 },
    channels: { chat: { rowsWritten: 20 } },
  });
});

test("[EL53] the counts of an earlier life are a part of the next one, with the rows that keep them", () => {
  const before = setUp(0);
  before.use({ calls: 1, rowsWritten: 1 });
  before.ledger.report(DAY_MS);
  before.use({ calls: 2, rowsWritten: 3 });
  before.ledger.hear("chat", { ...NO_USAGE, alarms: 4 });
  before.ledger.hear("", { ...NO_USAGE, alarms: 5 });
  const counts = before.ledger.counts(2, DAY_MS + 1);
  const after = setUp(DAY_MS + 5_000);
  after.use({ calls: 6 });
  after.ledger.recall(counts);
  expect(after.ledger.report(DAY_MS + 6_000)).toEqual({
    since: 0,
    own: { ...NO_USAGE, calls: 9, rowsWritten: 6 },
    channels: { chat: { ...NO_USAGE, alarms: 4 }, "": { ...NO_USAGE, alarms: 5 } },
  });
});
