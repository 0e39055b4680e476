import { expect, test, vi } from "vitest";
import { nextStamp } from "../../../src/socketio/message.ts";

test("[SM1] stamps ascend while the clock stands still, and follow a clock that was set back", () => {
  const clock = vi.spyOn(Date, "now").mockReturnValue(5_000);
  try {
    expect([nextStamp(), nextStamp()]).toEqual([5_000_000, 5_000_001]);
    clock.mockReturnValue(4_500);
    expect(nextStamp()).toBe(5_000_002);
    clock.mockReturnValue(3_000);
    expect([nextStamp(), nextStamp()]).toEqual([3_000_000, 3_000_001]);
  } finally {
    clock.mockRestore();
  }
});
