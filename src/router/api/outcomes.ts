import { idOf } from "../../platform/stubs.ts";

/** What became of something at one shard, as the API shows it. */
export function describeOutcome({
  name,
  pending,
  ...outcome
}: {
  readonly name: string;
  readonly ok: boolean;
  readonly delivered: number;
  readonly ms: number;
  readonly pending?: boolean;
}) {
  const region = name.slice(0, name.indexOf("/"));
  return { shard: idOf(name), region, ...outcome, ...(pending === true ? { pending } : {}) };
}
