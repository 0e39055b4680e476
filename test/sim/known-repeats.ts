import type { PublishRequest } from "../../src/contracts/log.ts";
import { FLEETING } from "./channels.ts";
import type { EndedCall } from "./network.ts";

/**
 * A known fault of channels of release 0.2.0 (SPEC LG5): one without history takes a call to publish that comes when its
 * caller has made another, which an earlier life of the channel has taken. The present release refuses such a call.
 */
export class KnownRepeats {
  readonly #ids = new Set<string>();
  readonly #before: string;

  /** `before`: the name of the release before. */
  constructor(before: string) {
    this.#before = before;
  }

  /** Whether this fault may have published the data with this id a second time. */
  excuses(id: string): boolean {
    return this.#ids.has(id);
  }

  /** A call has ended at its object. */
  take({ name, method, args, release }: EndedCall): void {
    const isPublish = method === "publish" || method === "publishAll";
    if (!isPublish || release !== this.#before || name !== `CHANNEL ${FLEETING}`) return;
    const [sent] = args as [PublishRequest | readonly PublishRequest[]];
    for (const { body, awaitedUntil = Infinity } of [sent].flat())
      if (awaitedUntil < Date.now()) this.#ids.add((JSON.parse(body) as { data: { id: string } }).data.id);
  }
}
