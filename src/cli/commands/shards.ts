import type { Command } from "commander";
import { MAX_WEIGHT } from "../../ring/descriptor.ts";
import type { ChangeAnswer } from "../cluster-api.ts";
import { targetOf, wholeNumber, withCommonOptions, type Common } from "../options.ts";

/** The bound of the operator's API (`/admin/api/openapi.json`). */
const MOST_SHARDS = 1_000;

type Options = Common & { readonly dryRun?: boolean };

/** The changes of the ring. Each can also say what would happen. */
export function addShards(program: Command): void {
  const shards = program.command("shards").description("change the ring");
  const change = (name: string, description: string): Command =>
    withCommonOptions(shards.command(name).description(description)).option(
      "--dry-run",
      "say what would change, and change nothing",
    );

  change("add", "add shards")
    .option("-n, --count <number>", "how many; the cluster makes their ids", wholeNumber(1, MOST_SHARDS))
    .option("--id <id...>", "their ids, in place of a number")
    .option("--region <region>", "the location hint of their objects, such as weur")
    .option("--weight <weight>", "their part of the ring, relative to the others", wholeNumber(1, MAX_WEIGHT))
    .action(
      async (options: Options & { count?: number; id?: string[]; region?: string; weight?: number }) => {
        const { count, id: ids, region, weight } = options;
        await send(options, "POST", "/shards", { count, ids, region, weight });
      },
    );
  change("drain", "move all sessions away from a shard, and then remove it")
    .argument("<shard>")
    .action((id: string, options: Options) => send(options, "POST", `${pathOf(id)}/drain`, {}));
  change("remove", "remove a shard at once; its sessions move")
    .argument("<shard>")
    .action((id: string, options: Options) => send(options, "DELETE", pathOf(id)));
  change("weigh", "change the weight of a shard")
    .argument("<shard>")
    .argument("<weight>", `from 1 to ${MAX_WEIGHT}`, wholeNumber(1, MAX_WEIGHT))
    .action((id: string, weight: number, options: Options) => send(options, "PATCH", pathOf(id), { weight }));
  change("rollback", "bring back the shards of an earlier epoch, as a new epoch")
    .argument("<epoch>", "see GET /admin/api/epochs", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .action((epoch: number, options: Options) => send(options, "POST", "/rollback", { epoch }));
}

const pathOf = (id: string): string => `/shards/${encodeURIComponent(id)}`;

async function send(options: Options, method: string, path: string, body?: object): Promise<void> {
  const { api, output } = targetOf(options);
  // A DELETE has no body, so the dry run stands in the query, which every change takes.
  const query = options.dryRun === true ? "?dryRun=true" : "";
  const answer = await api.admin<ChangeAnswer>(method, `${path}${query}`, body);
  output.result(answer, () => textOf(answer));
}

function textOf({ changed, dryRun, wouldChange, ringEpoch, cause, predicted, shards }: ChangeAnswer): string {
  const { moving, unknown } = predicted;
  const moves = `${moving} ${moving === 1 ? "session" : "sessions"}`;
  const unsure = unknown.length === 0 ? "" : ` (${unknown.join(", ")} did not answer and is not counted)`;
  const ring = `the ring: ${shards.map(({ id, weight, state }) => `${id} ${weight}${state === "active" ? "" : ` ${state}`}`).join(", ")}`;
  if (dryRun)
    return wouldChange === true
      ? `dry run, ${cause}: ${moves} would move${unsure}; nothing was changed`
      : "dry run: this would change nothing";
  return changed ? `epoch ${ringEpoch}, ${cause}: ${moves} move${unsure}\n${ring}` : "nothing had to change";
}
