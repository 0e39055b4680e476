import { expect, test } from "vitest";
import { isBehind } from "../../../src/console/model/behind.ts";

test.each([
  [0, 1, [], false],
  [0, 7, [], false],
  [0, 7, ["a"], true],
  [6, 7, [], true],
  [7, 7, ["a"], false],
  [null, 7, [], false],
])(
  "[OP16] a shard that has seen epoch %s of %s, untold %j, is behind: %s",
  (seen, ringEpoch, untold, behind) => {
    expect(isBehind({ id: "a", ringEpochSeen: seen }, { ringEpoch, untold })).toBe(behind);
  },
);
