import { expect, test } from "vitest";
import { addUsage, NO_USAGE, type Usage } from "../../../src/contracts/usage.ts";
import { UntoldUsage } from "../../../src/log/untold-usage.ts";

/** A channel's usage, and the writes of its row: each costs two rows, which the meter counts afterwards. */
function setUp() {
  let metered: Usage = NO_USAGE;
  const use = (usage: Partial<Usage>): void => void (metered = addUsage(metered, { ...NO_USAGE, ...usage }));
  const meter = {
    take: () => {
      const taken = metered;
      metered = NO_USAGE;
      return taken;
    },
  };
  const usage = new UntoldUsage(meter);
  const write = () => {
    const row = usage.counts(2, 0);
    use({ rowsWritten: 2 });
    return row;
  };
  return { usage, use, write };
}

test("[EL52] what the row of a channel keeps, with the rows of its own writing, is not told in the same life", () => {
  const { usage, use, write } = setUp();
  use({ calls: 1, rowsWritten: 1 });
  expect(write()).toEqual({ calls: 1, rowsWritten: 3 });
  expect(usage.tell(0)).toEqual({});
  use({ calls: 1 });
  expect(usage.tell(0)).toEqual({ usage: { ...NO_USAGE, calls: 1 } });
  // The next life has the row.
  const next = setUp();
  next.usage.recall({ calls: 1, rowsWritten: 3 });
  expect(next.usage.tell(0)).toEqual({});
  expect(next.write()).toEqual({ calls: 1, rowsWritten: 5 });
});

test("[EL52] a delivery tells what the row has kept, and the row is written without it", () => {
  const { usage, use, write } = setUp();
  usage.recall({ calls: 4, rowsWritten: 7 });
  use({ calls: 1, rowsWritten: 1 });
  usage.takeFromRow();
  expect(write()).toEqual({});
  // A second appointment of the same turn.
  expect(write()).toEqual({});
  expect(usage.tell(0)).toEqual({ usage: { ...NO_USAGE, calls: 5, rowsWritten: 12 } });
  expect(usage.tell(0)).toEqual({});
});
