import type { ReportAnswer } from "../../contracts/coordinator.ts";
import type { Connections } from "../connections/connections.ts";
import { placedBy, type Membership } from "./membership.ts";

/** First after 5 s and each time after twice as long: twelve times are some five hours. */
const ASK_AGAIN_MS = 5_000;
const ASKS = 12;

export type GuestsParts = {
  readonly storage: DurableObjectStorage;
  readonly membership: Membership;
  readonly sessions: () => Connections["sessions"];
  /** The shard that took a connection has reported it after this time. */
  readonly reportedAfterMs: number;
};

/**
 * Guests are sessions whose first owner is another shard, which was full or at its bound when they came (SPEC EL31).
 *
 * The stored `spilled` says that connections were handed on since guests were last known to be nowhere; release 0.2.0
 * reads it too. The stored `noGuests` is the epoch in which that was known: a change of the ring gives a shard keys
 * whose sessions may be guests.
 */
export class Guests {
  readonly #parts: GuestsParts;
  /** When a connection was last handed on; a new life takes its beginning for it. */
  #handedOnAt = Date.now();
  /** How often the coordinator did not say that there are none, in which epoch. */
  #asked = { epoch: 0, times: 0 };

  constructor(parts: GuestsParts) {
    this.#parts = parts;
  }

  /** Whether sessions of this shard's keys may be with the next owners. */
  get mayBeElsewhere(): boolean {
    const { storage, membership } = this.#parts;
    if (storage.kv.get<boolean>("spilled") === true) return true;
    return membership.ringEpoch > 1 && storage.kv.get<number>("noGuests") !== membership.ringEpoch;
  }

  /** A connection goes to the next owner. */
  handedOn(now: number): void {
    const { storage } = this.#parts;
    this.#handedOnAt = now;
    this.#asked = { epoch: 0, times: 0 };
    if (storage.kv.get<boolean>("spilled") !== true) storage.kv.put("spilled", true);
  }

  /** The guests that are here, by the id of the first owner of their key. */
  here(): Record<string, number> {
    const { membership, sessions } = this.#parts;
    const { ring } = membership;
    const counts: Record<string, number> = {};
    for (const { attachment } of sessions()) {
      if (attachment.rank === 0) continue;
      const owner = ring?.owner(attachment.key, placedBy(ring, attachment))?.id;
      if (owner === undefined || owner === membership.self?.id) continue;
      counts[owner] = (counts[owner] ?? 0) + 1;
    }
    return counts;
  }

  /** The coordinator's answer to a report of this epoch. Answers when to ask again, if a later answer may be another. */
  heard(elsewhere: ReportAnswer["elsewhere"], ringEpoch: number, now: number): number | undefined {
    const { storage, membership, reportedAfterMs } = this.#parts;
    if (elsewhere === undefined || ringEpoch !== membership.ringEpoch) return undefined;
    if (elsewhere === true && storage.kv.get<number>("noGuests") !== undefined) storage.kv.delete("noGuests");
    if (elsewhere !== true && !this.mayBeElsewhere) return undefined;
    if (elsewhere !== false) return this.#askAgainAt(ringEpoch, now);
    const isSure = this.#handedOnAt + reportedAfterMs;
    if (storage.kv.get<boolean>("spilled") === true && now < isSure) return isSure;
    if (storage.kv.get<boolean>("spilled") === true) storage.kv.put("spilled", false);
    if (ringEpoch > 1) storage.kv.put("noGuests", ringEpoch);
    return undefined;
  }

  #askAgainAt(epoch: number, now: number): number | undefined {
    const times = this.#asked.epoch === epoch ? this.#asked.times : 0;
    this.#asked = { epoch, times: times + 1 };
    return times < ASKS ? now + ASK_AGAIN_MS * 2 ** times : undefined;
  }
}
