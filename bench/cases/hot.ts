import type { HotOrder, HotWay } from "../lib/hot.ts";
import { quantile } from "../lib/stats.ts";
import { clientsOf, oneRow, PAYLOAD_BYTES, type Case, type Metrics } from "./case.ts";

const SHARDS = 8;
const WAYS: readonly HotWay[] = ["bare", "one by one", "combined"];

/** Publishers without sockets: the machine has too few cores for 500 clients, eight shards and a busy channel. */
export const hot: Case = {
  about: "500 publishers on 8 shards to one stored channel",
  rounds: 5,
  async round(options, turn) {
    const publishers = clientsOf(options, 500);
    const ms = options.quick ? 1_000 : 5_000;
    const measured: Record<string, Metrics> = {};
    for (let n = 0; n < WAYS.length; n++) {
      const way = WAYS[(n + turn) % WAYS.length] as HotWay;
      measured[way] = await oneRow("Ringcast", async ({ row }) => {
        const run = async (forMs: number): Promise<number[]> => {
          const order: HotOrder = {
            way,
            publishers: Math.ceil(publishers / SHARDS),
            ms: forMs,
            payloadBytes: PAYLOAD_BYTES,
          };
          const body = JSON.stringify({ shards: SHARDS, ...order });
          const response = await fetch(`${row.http}/hot`, { method: "POST", body });
          return (await response.json()) as number[];
        };
        await run(1_000);
        const startedAt = performance.now();
        const took = await run(ms);
        const seconds = (performance.now() - startedAt) / 1_000;
        return {
          "publications/s": took.length / seconds,
          "p50 ms": quantile(took, 0.5),
          "p99 ms": quantile(took, 0.99),
        };
      });
    }
    return Object.fromEntries(WAYS.map((way) => [way, measured[way] ?? {}]));
  },
};
