import fc from "fast-check";
import { expect, test } from "vitest";
import { Failures } from "../../../src/platform/failures.ts";

const START = 1_700_000_000_000;
const overloaded = Object.assign(new Error("too much to do"), { overloaded: true });
const silent = new Error("no answer within 10000 ms");

test("[EL61] a caller tells what it has seen of each shard, once, and again where the call that told it failed", () => {
  const failures = new Failures();
  failures.note({ id: "auto-1" }, overloaded);
  failures.note({ id: "auto-2" }, silent);
  failures.note({ id: "auto-1" }, silent);
  const seen = [
    { shard: "auto-1", overloaded: 1, silent: 1 },
    { shard: "auto-2", overloaded: 0, silent: 1 },
  ];
  const lost = failures.take(START);
  expect(lost).toEqual(seen);
  failures.putBack(lost);
  expect(failures.take(START)).toEqual(seen);
  expect([failures.hasNews, failures.take(START + 60_000)]).toEqual([false, undefined]);
});

test("[EL61] a caller tells at most once in five seconds, and forgets nothing meanwhile", () => {
  const failures = new Failures();
  let count = 0;
  let at = -Infinity;
  for (let now = START; now < START + 60_000; now += 100) {
    failures.note({ id: "auto-1" }, overloaded);
    const failed = failures.take(now);
    if (failed === undefined) continue;
    expect(now - at).toBeGreaterThanOrEqual(5_000);
    at = now;
    count += failed[0]?.overloaded ?? 0;
  }
  count += failures.drain()?.[0]?.overloaded ?? 0;
  expect(count).toBe(600);
});

test("[EL61] a caller remembers at most 64 shards, whatever it is told", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 500 }), { maxLength: 300 }), (ids) => {
      const failures = new Failures();
      for (const id of ids) failures.add([{ shard: `auto-${id}`, overloaded: 1, silent: 0 }]);
      expect(failures.drain()?.length ?? 0).toBe(Math.min(64, new Set(ids).size));
    }),
  );
});
