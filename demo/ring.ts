/** The operator's view of a cluster, for the demonstrations. */

/** Calls the operator's API and answers with the JSON. */
export type Admin = (method: string, path: string) => Promise<any>;

export type ShardRow = {
  readonly id: string;
  readonly state: string;
  readonly sessions: number;
  readonly share: number;
};

export async function readShards(admin: Admin): Promise<readonly ShardRow[]> {
  return (await admin("GET", "/cluster")).shards;
}

/** The owner of each key, by the ring. A request for each key: not while times are measured. */
export async function readOwners(admin: Admin, keys: readonly string[]): Promise<Map<string, string>> {
  const found = await Promise.all(
    keys.map(async (key) => {
      const { owner } = await admin("GET", `/explain?key=${encodeURIComponent(key)}`);
      return [key, String(owner)] as const;
    }),
  );
  return new Map(found);
}

/** The keys whose owner has changed. */
export const changedOwners = (
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): ReadonlySet<string> => new Set([...after.keys()].filter((key) => before.get(key) !== after.get(key)));

/** Draws the shards on a terminal; in a pipe each step is one line. */
export async function printShards(admin: Admin): Promise<void> {
  if (!process.stdout.isTTY) return;
  for (const { id, state, sessions, share } of await readShards(admin))
    console.log(
      `    ${id.padEnd(10)} ${state.padEnd(9)} ${String(sessions).padStart(4)} clients  ${"█".repeat(Math.round(share * 60))} ${(share * 100).toFixed(1)} %`,
    );
}
