import type { Listening, Registration } from "../contracts/log.ts";
import type { Lane } from "./lane.ts";
import type { Log } from "./log.ts";
import type { Registrations, ShardRegistration } from "./registrations.ts";

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
  // A publication on its way may have arrived, and may not.
  if (position === null)
    return known === undefined || known.lane.tried > heardBy(known) ? undefined : heardBy(known);
  return position.logEpoch === logEpoch && position.offset <= top ? position.offset : undefined;
}

/**
 * Stores how far the shards have heard: one row where every shard is at the top, else a row for each shard that is
 * further than its row says (SPEC BD8). `reachesAll`: these are all the registrations.
 */
export function saveHeard(
  registrations: Pick<Registrations, "save" | "saveAll">,
  listeners: readonly Listener[],
  { top, reachesAll }: { readonly top: number; readonly reachesAll: boolean },
): void {
  const further = listeners.filter((listener) => heardBy(listener) > listener.saved);
  const together =
    reachesAll && further.length > 1 && listeners.every((listener) => heardBy(listener) === top);
  if (together) registrations.saveAll(top);
  for (const listener of further) {
    listener.saved = heardBy(listener);
    if (!together) registrations.save(listener.registered.number, listener.saved);
  }
}

/** A registration, as its shard is told of it. */
export const describe = (
  listener: Listener,
  { logEpoch, durable }: Pick<Log, "logEpoch" | "durable">,
): Registration => ({
  number: listener.registered.number,
  logEpoch,
  offset: heardBy(listener),
  durable,
});
