/** A shard is called directly where there are this many or fewer to call; more go down a tree. */
export const DIRECT_MAX = 32;

/** Calls that a sender makes: `relay` is one of the targets, and calls the others of its branch. */
export type Branch<Target> = { readonly relay: Target; readonly others: readonly Target[] };

/**
 * Cuts targets into branches so that a sender and its relays have about equally many calls to make (SPEC FO5).
 *
 * Each target is in exactly one branch. Up to {@link DIRECT_MAX} of them: a branch each, and no relay.
 */
export function planTree<Target>(targets: readonly Target[]): Branch<Target>[] {
  const branches = targets.length <= DIRECT_MAX ? targets.length : Math.ceil(Math.sqrt(targets.length));
  return Array.from({ length: branches }, (_, n) => {
    const [from, to] = [n, n + 1].map((edge) => Math.floor((edge * targets.length) / branches)) as [
      number,
      number,
    ];
    const [relay, ...others] = targets.slice(from, to) as [Target, ...Target[]];
    return { relay, others };
  });
}
