import { expect, test } from "vitest";
import { judge } from "../../chaos/judge-rooms.ts";

test("[SO47] the judge of rooms finds what was lost, repeated or out of order, but for a session that begins anew", () => {
  const taken = [0, 1, 2, 3, 4, 5, Infinity];
  expect(judge([], taken)).toEqual([]);
  expect(judge([2, 3, 4, 5, Infinity], taken)).toEqual([]);
  // The server may have taken an event without saying so.
  expect(judge([2, 3, 4, 4.5, 5], taken)).toEqual([]);
  expect(judge([1, 2, "anew", 5], taken)).toEqual([]);
  expect(judge([1, 2, 5], taken)).toEqual(["3 is lost before 5", "4 is lost before 5"]);
  expect(judge([1, 2, 2, 3], taken)).toEqual(["2 after 2"]);
  expect(judge([3, 2, 4], taken)).toEqual(["2 after 3", "3 is lost before 4"]);
  // The number at its join may have been said before, and everything after it is heard.
  expect(judge([{ joinedAt: 1 }, 2, 3], taken)).toEqual([]);
  expect(judge([{ joinedAt: 1 }, 1, 2, { joinedAt: 4 }, 3], taken)).toEqual([]);
  expect(judge([1, "anew", { joinedAt: 2 }, 5], taken)).toEqual(["3 is lost before 5", "4 is lost before 5"]);
  expect(judge([{ joinedAt: 3 }, "anew", 5], taken)).toEqual([]);
});
