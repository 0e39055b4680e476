/**
 * Whether a shard has an older epoch of the ring than the newest (SPEC OP16). A shard that has been told no epoch yet,
 * epoch 0, goes by the configured shards, which are the first epoch's: it is behind only if the coordinator says so.
 */
export function isBehind(
  shard: { readonly id: string; readonly ringEpochSeen: number | null },
  newest: { readonly ringEpoch: number; readonly untold: readonly string[] },
): boolean {
  const { id, ringEpochSeen: seen } = shard;
  if (seen === null) return false;
  return seen === 0 ? newest.untold.includes(id) : seen < newest.ringEpoch;
}
