import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startSocketCluster, type SocketCluster } from "../support/socketio/ours.ts";
import { play, scriptOf } from "../support/socketio/script.ts";
import { startStock } from "../support/socketio/stock.ts";
import { tier } from "../support/tier.ts";

let eight: SocketCluster;
let one: SocketCluster;
let stock: Awaited<ReturnType<typeof startStock>>;
beforeAll(async () => {
  [eight, one, stock] = await Promise.all([
    startSocketCluster(),
    startSocketCluster({ shards: { initial: 1 } }),
    startStock(),
  ]);
});
afterAll(async () => {
  await Promise.all([eight.stop(), one.stop(), stock.stop()]);
});

const SIZES = { quick: { steps: 60, runs: 4 }, release: { steps: 300, runs: 10 } };

test(
  "[SO18] stock clients observe the same of a stock server, of one shard and of eight",
  { timeout: 1_800_000 },
  async () => {
    const { steps, runs } = tier(SIZES);
    let count = 0;
    await fc.assert(
      fc.asyncProperty(scriptOf({ steps }), async (script) => {
        const run = `run-${(count += 1)}`;
        const expected = await play(stock.url, { script, run });
        expect(await play(one.url, { script, run, expected })).toEqual(expected);
        expect(await play(eight.url, { script, run, expected })).toEqual(expected);
      }),
      // A script takes seconds, and a shorter one that fails would need many of them.
      { seed: 20_261_129, numRuns: runs, endOnFailure: true },
    );
  },
);
