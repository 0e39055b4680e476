import type { PresenceEvent } from "../contracts/channel.ts";

/** A shard repeats a call within seconds. */
const REMEMBERED_CALLS = 4_096;
/** Longer than a shard repeats a call (platform/calls.ts). */
const REPEATED_FOR_MS = 10_000;

/**
 * Which joins and leaves a channel has not told yet: each is told at most once, also where the answer to a shard's call
 * was lost (SPEC BD61). In memory: a repetition that may have reached an earlier life is not told.
 */
export class Announcements {
  readonly #wokeAt: number;
  readonly #calls = new Set<string>();

  constructor(wokeAt: number) {
    this.#wokeAt = wokeAt;
  }

  /** Takes the events of one call; answers whether they are to be told. */
  take([first]: readonly PresenceEvent[], now: number): boolean {
    if (first?.call === undefined) return first !== undefined;
    const { call, again = false } = first;
    if (this.#calls.has(call)) return false;
    if (again && now - this.#wokeAt < REPEATED_FOR_MS) return false;
    this.#calls.add(call);
    if (this.#calls.size > REMEMBERED_CALLS) this.#calls.delete(this.#calls.values().next().value ?? "");
    return true;
  }
}
