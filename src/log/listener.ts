import type { Listening } from "../contracts/log.ts";
import type { Lane } from "./lane.ts";
import type { Log } from "./log.ts";
import type { ShardRegistration } from "./registrations.ts";

/** A shard that listens, and the way to it. `saved`: the offset in its row. */
export type Listener = { readonly registered: ShardRegistration; readonly lane: Lane; saved: number };

/** The row of a registration may be ahead of an ephemeral lane, and is behind that of a durable one. */
export const heardBy = ({ registered, lane }: Listener): number => Math.max(registered.heard, lane.heard);

/** The offset that a registration starts after; undefined where it cannot be known. `known`: the one before. */
export function startOf(
  { logEpoch, top, durable }: Pick<Log, "logEpoch" | "top" | "durable">,
  known: Listener | undefined,
  listening: Listening | null,
): number | undefined {
  if (listening === null || !durable) return top;
  const { position } = listening;
  if (position === null) return known === undefined ? undefined : heardBy(known);
  return position.logEpoch === logEpoch && position.offset <= top ? position.offset : undefined;
}
