import type { Command } from "commander";
import { targetOf, withCommonOptions, type Common } from "../options.ts";

type Explanation = {
  readonly key: string;
  readonly hash: number;
  readonly slot: number;
  readonly ringEpoch: number;
  readonly region: string | null;
  readonly owner: string | null;
  readonly nextOwners: readonly string[];
  readonly previousOwner: string | null;
};

export function addExplain(program: Command): void {
  withCommonOptions(program.command("explain").description("say which shard owns a key, and why"))
    .argument("<key>", "an affinity key, such as a user")
    .option("--region <region>", "the region of the client", "auto")
    .action(async (key: string, options: Common & { region: string }) => {
      const { api, output } = targetOf(options);
      const query = new URLSearchParams({ key, region: options.region });
      const explanation = await api.admin<Explanation>("GET", `/explain?${query.toString()}`);
      output.result(explanation, () => textOf(explanation));
    });
}

function textOf({
  key,
  hash,
  slot,
  ringEpoch,
  region,
  owner,
  nextOwners,
  previousOwner,
}: Explanation): string {
  return [
    `${key}: shard ${owner ?? "none"}${region === null ? "" : `, region ${region}`}, epoch ${ringEpoch}`,
    `  hash ${hash}, slot ${slot} of 65536`,
    `  where it is full or drains: ${nextOwners.length === 0 ? "nobody" : nextOwners.join(", then ")}`,
    `  before this epoch: ${previousOwner ?? "the same, or nobody"}`,
  ].join("\n");
}
