import type { PublishRequest } from "../../src/contracts/log.ts";
import type { Delivery } from "../../src/contracts/orders.ts";
import { FLEETING } from "./channels.ts";
import type { EndedCall } from "./network.ts";

/**
 * Two known faults of release 0.2.0 repeat a publication of a channel without history. The present release has neither.
 *
 * Such a channel takes a call to publish that comes when its caller has made another, which an earlier life of the
 * channel has taken (SPEC LG5). And such a shard takes a late delivery, once more, of a life before the last for one of a new life (BD100).
 */
export class KnownRepeats {
  readonly #ids = new Set<string>();
  readonly #before: string;

  /** `before`: the name of the release before. */
  constructor(before: string) {
    this.#before = before;
  }

  /** Whether such a fault may have repeated the publication with this id. */
  excuses(id: string): boolean {
    return this.#ids.has(id);
  }

  /** A call has ended at its object. */
  take(call: EndedCall): void {
    if (call.release !== this.#before) return;
    for (const body of bodiesOf(call)) this.#ids.add((JSON.parse(body) as { data: { id: string } }).data.id);
  }
}

/** What a late call brings to a channel without history, or what comes from it to a shard once more. */
function bodiesOf({ name, method, args }: EndedCall): string[] {
  if (name === `CHANNEL ${FLEETING}` && (method === "publish" || method === "publishAll")) {
    const [sent] = args as [PublishRequest | readonly PublishRequest[]];
    const late = [sent].flat().filter(({ awaitedUntil = Infinity }) => awaitedUntil < Date.now());
    return late.map(({ body }) => body);
  }
  if (method !== "deliver") return [];
  const [{ channel, mayRepeat, entries }] = args as [Delivery];
  if (channel !== FLEETING || !mayRepeat) return [];
  return entries.flatMap((event) => (event.kind === "pub" ? [event.body] : []));
}
