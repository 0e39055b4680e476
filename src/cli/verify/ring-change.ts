import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterApi } from "../cluster-api.ts";
import { Failure } from "../failure.ts";

/** A shard that has just joined may still take its part in steps. */
const PATIENCE_MS = 180_000;
const POLL_MS = 500;

/**
 * A shard that the trial adds, and takes away again whatever happens. It has a name of its own, so that it is known also
 * where the answer to `add` was lost, and is never a shard of somebody else.
 */
export class BorrowedShard {
  readonly id = `verify-${randomBytes(4).toString("hex")}`;
  readonly #api: ClusterApi;

  constructor(api: ClusterApi) {
    this.#api = api;
  }

  /** From now on the caller MUST give it back, also where this fails. */
  async add(): Promise<void> {
    await this.#api.admin("POST", "/shards", { ids: [this.id] });
  }

  /** Waits until every shard knows it, or until the signal. */
  async joined(signal: AbortSignal): Promise<void> {
    await until(
      async () => (await this.#api.state()).untold.length === 0,
      `every shard knows ${this.id}`,
      signal,
    );
  }

  /** Drains the shard, if it is there, and waits until it has left the cluster. */
  async giveBack(): Promise<void> {
    await until(async () => {
      const own = (await this.#api.state()).shards.find(({ id }) => id === this.id);
      if (own?.state === "active" || own?.state === "down")
        await this.#api.admin("POST", `/shards/${this.id}/drain`, {});
      return own === undefined;
    }, `${this.id} has left the cluster; \`ringcast shards drain ${this.id}\` takes it away`);
  }
}

/** A question without an answer is asked again, as the network may have been away. */
async function until(condition: () => Promise<boolean>, what: string, signal?: AbortSignal): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    signal?.throwIfAborted();
    let failure: unknown;
    try {
      if (await condition()) return;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > end) {
      const reason = failure instanceof Failure ? ` (${failure.message})` : "";
      throw new Failure(`after ${PATIENCE_MS / 1_000} s it is not yet so that ${what}${reason}`);
    }
    await sleep(POLL_MS);
  }
}
