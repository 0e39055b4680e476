import { setTimeout as sleep } from "node:timers/promises";
import type { ChangeAnswer, ClusterApi } from "../cluster-api.ts";
import { Failure } from "../failure.ts";

/** A shard that has just joined may still take its part in steps. */
const PATIENCE_MS = 180_000;
const POLL_MS = 500;

/** A shard that the trial adds, and takes away again whatever happens. */
export class BorrowedShard {
  readonly #api: ClusterApi;
  readonly id: string;
  #isHere = true;

  private constructor(api: ClusterApi, id: string) {
    this.#api = api;
    this.id = id;
  }

  /** Adds a shard. The caller has it from then on, and MUST give it back whatever follows. */
  static async add(api: ClusterApi): Promise<BorrowedShard> {
    const before = new Set((await api.state()).shards.map(({ id }) => id));
    const { shards } = await api.admin<ChangeAnswer>("POST", "/shards", { count: 1 });
    const added = shards.find(({ id }) => !before.has(id));
    if (added === undefined) throw new Failure("the cluster has added no shard");
    return new BorrowedShard(api, added.id);
  }

  /** Waits until every shard knows it, or until the signal. */
  async joined(signal: AbortSignal): Promise<void> {
    await until(async () => {
      signal.throwIfAborted();
      return (await this.#api.state()).untold.length === 0;
    }, `every shard knows ${this.id}`);
  }

  /** Drains the shard and waits until it has left the cluster. */
  async giveBack(): Promise<void> {
    if (!this.#isHere) return;
    await this.#api.admin("POST", `/shards/${encodeURIComponent(this.id)}/drain`, {});
    await until(
      async () => (await this.#api.state()).shards.every(({ id }) => id !== this.id),
      `${this.id} has left the cluster`,
    );
    this.#isHere = false;
  }
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Failure(`after ${PATIENCE_MS / 1_000} s it is not yet so that ${what}`);
    await sleep(POLL_MS);
  }
}
