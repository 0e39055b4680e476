import type { Registration } from "../../src/contracts/log.ts";
import type { Delivered, Delivery } from "../../src/contracts/orders.ts";
import { BROADCAST, objectOf } from "./channels.ts";
import type { EndedCall, ReturnedCall } from "./network.ts";

/** A shard gives the coordinator's log so long to answer; another log may answer when it likes. */
const COORDINATOR_WAIT_MS = 1_500;

/** A log went from offset `from` to `to` in what it owes to a shard, under a registration of this number. */
type Skip = { readonly from: number; readonly to: number; readonly number: number };

/** How far a log of a log epoch knows a shard to be. */
type Place = { readonly logEpoch: string; readonly offset: number };

/**
 * Three known faults of release 0.2.0 keep publications from a shard that finds the gap at the next one alone.
 *
 * Its logs (SPEC BD11): a shard that has listened registers again, and such a log goes on
 * after its newest publication, although the shard lacks some. Where the shard does not take the answer of that call,
 * it is never sent these; it finds the gap at the next publication. The present release goes on where the shard is.
 *
 * A shard of release 0.2.0 that awaits the answer says at once that it has a delivery, and where the answer does not come
 * in time, it has it for nobody (SPEC BD94, SO69). So the deliveries of that registration are skipped with the rest.
 *
 * Its shards (SPEC BD11): one that has crashed takes a late delivery, of a registration that has ended, for its place in a
 * log that knows it to be further. So does one that is new, where such a log has answered a later register call meanwhile,
 * and one to which a late descriptor says how far the coordinator had sent.
 */
export class KnownSkips {
  /** By the object that has the log, and the shard's name. */
  readonly #places = new Map<string, Place>();
  readonly #skips = new Map<string, Skip>();
  /** The number of the newest registration under which a log has sent. */
  readonly #newest = new Map<string, number>();
  /** The number of the newest registration with which a log of the release before has answered. */
  readonly #answered = new Map<string, number>();
  readonly #before: string;

  /** `before`: the name of the release before. */
  constructor(before: string) {
    this.#before = before;
  }

  /**
   * Whether this fault alone keeps a subscriber on a shard from the last publications of a channel: it has heard up to
   * `last`, and the log's newest publication is `top`.
   */
  excuses(object: string, shard: string, { last, top }: { readonly last: number; readonly top: number }) {
    const skip = this.#skips.get(`${object} ${shard}`);
    return skip?.to === top && skip.from <= last;
  }

  /** A call has ended at its object. */
  take(call: EndedCall): void {
    const { name, method, args, answer, release } = call;
    if (method === "deliver") this.#takeDelivery(call);
    if (method === "adopt") this.#takeDescriptor(call);
    if (method !== "register" || (answer ?? null) === null || name.startsWith("SHARD ")) return;
    const [shard, listening] = args as [{ readonly name: string }, unknown];
    const { logEpoch, offset, number, durable } = answer as Registration;
    if (!durable) return;
    const key = `${name} ${shard.name}`;
    const known = this.#places.get(key);
    const place = known?.logEpoch === logEpoch ? known.offset : offset;
    const isBefore = release === this.#before;
    if (isBefore && listening === null && place < offset) {
      const from = this.#skips.get(key)?.from ?? place;
      this.#skips.set(key, { from, to: offset, number });
    }
    this.#places.set(key, { logEpoch, offset: isBefore ? offset : Math.min(place, offset) });
    if (isBefore) this.#answered.set(key, Math.max(this.#answered.get(key) ?? 0, number));
  }

  #takeDelivery({ name, args, release, callerHasEnded }: EndedCall): void {
    const [{ channel, registration, logEpoch, durable, entries }] = args as [Delivery];
    const last = entries.findLast((event) => event.kind === "pub");
    if (!durable || last === undefined) return;
    const key = `${objectOf(channel)} ${name.slice("SHARD ".length)}`;
    const newest = Math.max(this.#newest.get(key) ?? 0, registration);
    this.#newest.set(key, newest);
    const place = this.#places.get(key);
    const number = callerHasEnded ? newest : (this.#answered.get(key) ?? 0);
    const isBehind = place?.logEpoch === logEpoch && last.offset < place.offset;
    if (release === this.#before && registration < number && isBehind)
      this.#skips.set(key, { from: last.offset, to: place.offset, number });
  }

  #takeDescriptor({ name, args, release }: EndedCall): void {
    const [, sent] = args as [unknown, Registration | undefined];
    const key = `${objectOf(BROADCAST)} ${name.slice("SHARD ".length)}`;
    const place = this.#places.get(key);
    if (release !== this.#before || sent === undefined || place?.logEpoch !== sent.logEpoch) return;
    if (sent.offset < place.offset)
      this.#skips.set(key, { from: sent.offset, to: place.offset, number: sent.number });
  }

  /** The answer to a call has reached its caller. */
  returned({ name, method, args, answer, release, tookMs }: ReturnedCall): void {
    if (method === "register" && (answer ?? null) !== null) {
      const [shard] = args as [{ readonly name: string }];
      const key = `${name} ${shard.name}`;
      const isTaken = name.startsWith("CHANNEL ") || tookMs < COORDINATOR_WAIT_MS;
      const { number } = answer as Registration;
      if (isTaken && number >= (this.#skips.get(key)?.number ?? Infinity)) this.#skips.delete(key);
    }
    if (method !== "deliver") return;
    const [{ channel, registration, logEpoch, durable, since, entries }] = args as [Delivery];
    const { kind } = answer as Delivered;
    const last = entries.findLast((event) => event.kind === "pub");
    const key = `${objectOf(channel)} ${name.slice("SHARD ".length)}`;
    const place = this.#places.get(key);
    if (!durable || (place !== undefined && place.logEpoch !== logEpoch)) return;
    if (kind === "noListeners") this.#places.delete(key);
    else if (last !== undefined) {
      const skip = this.#skips.get(key);
      if (release === this.#before && skip?.number === registration && skip.to === since)
        this.#skips.set(key, { ...skip, to: last.offset });
      this.#places.set(key, { logEpoch, offset: Math.max(place?.offset ?? 0, last.offset) });
    }
  }
}
