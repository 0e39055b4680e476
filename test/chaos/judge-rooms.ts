/**
 * Everything that one client has heard of one room, in order; `anew` where its session has begun anew, and where it was told that it
 * had joined, the number that was being said.
 */
export type Heard = number | "anew" | { readonly joinedAt: number };

/** The last words have been heard; a later join is no matter. */
export const isComplete = (heard: readonly Heard[] = []): boolean =>
  heard.findLast((event) => typeof event === "number") === Infinity;

/**
 * `taken`: the numbers that the server has acknowledged. A client may hear others, too. One that was told that it had joined
 * hears everything that is said after.
 */
export function judge(heard: readonly Heard[], taken: readonly number[]): string[] {
  const problems: string[] = [];
  let last: number | undefined;
  let joinedAt: number | undefined;
  for (const event of heard) {
    if (event === "anew") {
      last = joinedAt = undefined;
      continue;
    }
    if (typeof event === "object") {
      joinedAt ??= event.joinedAt;
      continue;
    }
    if (last !== undefined && event <= last) problems.push(`${event} after ${last}`);
    const from = last ?? joinedAt ?? Infinity;
    problems.push(
      ...taken.filter((one) => one > from && one < event).map((one) => `${one} is lost before ${event}`),
    );
    last = event;
  }
  return problems;
}
