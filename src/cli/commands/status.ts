import type { Command } from "commander";
import type { ClusterState } from "../cluster-api.ts";
import { tableOf } from "../output.ts";
import { targetOf, withCommonOptions, type Common } from "../options.ts";

export function addStatus(program: Command): void {
  withCommonOptions(program.command("status").description("show the shards and their present state")).action(
    async (options: Common) => {
      const { api, output } = targetOf(options);
      const state = await api.state();
      output.result(state, () => textOf(state));
    },
  );
}

export function textOf({ ringEpoch, untold, shards }: ClusterState): string {
  const sessions = shards.reduce((sum, shard) => sum + (shard.sessions ?? 0), 0);
  const rows = shards.map((shard) => ({
    shard: shard.id,
    region: shard.region,
    weight: shard.weight,
    share: `${(shard.share * 100).toFixed(1)} %`,
    sessions: shard.sessions ?? "?",
    channels: shard.channels ?? "?",
    state: shard.reachable ? shard.state : `${shard.state}, does not answer`,
  }));
  const behind = untold.length === 0 ? "" : `; not told yet: ${untold.join(", ")}`;
  return `epoch ${ringEpoch}, ${shards.length} shards, ${sessions} sessions${behind}\n\n${tableOf(rows)}`;
}
