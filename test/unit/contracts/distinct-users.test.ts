import fc from "fast-check";
import { expect, test } from "vitest";
import {
  distinctUsers,
  EXACT_USERS,
  mergeUsers,
  NO_USERS,
  numberOfUsers,
} from "../../../src/contracts/distinct-users.ts";

const users = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => `user-${from + n}`);

test("[BD64] few users are counted exactly, however they are spread and repeated", () => {
  const names = fc.array(fc.constantFrom(...users(0, 50), "", "ünïcode", "\u{1f600}"));
  fc.assert(
    fc.property(fc.array(names), (shards) => {
      const merged = shards.map((part) => distinctUsers(part)).reduce(mergeUsers, NO_USERS);
      expect(numberOfUsers(merged)).toBe(new Set(shards.flat()).size);
    }),
  );
  expect(numberOfUsers(distinctUsers(users(0, EXACT_USERS)))).toBe(EXACT_USERS);
});

test("[BD64] many users are counted within three percent, and their set has a bounded size", () => {
  for (const number of [EXACT_USERS + 1, 10_000, 40_000, 60_000, 200_000]) {
    const whole = distinctUsers(users(0, number));
    expect(whole.kind === "sketch" && whole.registers.byteLength).toBe(16_384);
    expect(Math.abs(numberOfUsers(whole) / number - 1)).toBeLessThan(0.03);
  }
});

test("[BD64] the number does not depend on the shards that the users are on", () => {
  const whole = numberOfUsers(distinctUsers(users(0, 30_000)));
  for (const size of [100, 3_000, 7_000]) {
    let merged = NO_USERS;
    for (let from = 0; from < 30_000; from += size)
      // Each shard has some users that the one before has too.
      merged = mergeUsers(
        merged,
        distinctUsers(users(Math.max(0, from - 50), Math.min(30_000, from + size))),
      );
    expect(numberOfUsers(merged)).toBe(whole);
  }
});
