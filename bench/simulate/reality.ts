import { oneRow, opening, PAYLOAD_BYTES, settle } from "../cases/case.ts";
import { API_KEY, LIMITS } from "../lib/rows.ts";
import { median } from "../lib/stats.ts";

/** The time of a broadcast and the sessions of the busiest shard, in a cluster that fits on this machine. */
export function measureReality(
  shards: number,
  clients: number,
): Promise<{ lastMs: number; busiest: number }> {
  return oneRow(
    "Ringcast",
    async (bench) => {
      const { row, load } = bench;
      await load.do("open", opening(bench, "listeners", { count: clients, channels: ["live:room"] }));
      await load.do("open", opening(bench, "publishers", { count: 1 }));
      await settle();
      const traffic = { dialect: row.dialect, channel: "live:room", payloadBytes: PAYLOAD_BYTES };
      const published = await load.do("once", { ...traffic, times: 20 });
      const response = await fetch(`${row.http}/admin/api/cluster`, { headers: { "x-api-key": API_KEY } });
      const cluster: { shards: { sessions: number | null }[] } = await response.json();
      return {
        lastMs: median(published.slice(5).map(({ last }) => last)),
        busiest: Math.max(...cluster.shards.map(({ sessions }) => sessions ?? 0)),
      };
    },
    { shards: { initial: shards }, limits: LIMITS },
  );
}
