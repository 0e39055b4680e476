import type { PresenceEvent } from "../contracts/channel.ts";

/**
 * Leaves that our own moves caused, held until it is clear whether the user returns.
 *
 * Where a user joins while a leave of theirs is held, neither is told. In memory: a crash loses held leaves.
 */
export class HeldLeaves {
  readonly #holdMs: number;
  readonly #release: (event: PresenceEvent) => void;
  readonly #held = new Map<string, ReturnType<typeof setTimeout>[]>();

  constructor(holdMs: number, release: (event: PresenceEvent) => void) {
    this.#holdMs = holdMs;
    this.#release = release;
  }

  /** Takes an event; answers whether it is to be told now. */
  pass(event: PresenceEvent): boolean {
    if (event.kind === "join") return !this.#dropOne(event.user);
    if (!event.held) return true;
    const timer = setTimeout(() => {
      this.#forget(event.user, timer);
      this.#release(event);
    }, this.#holdMs);
    this.#held.set(event.user, [...(this.#held.get(event.user) ?? []), timer]);
    return false;
  }

  #dropOne(user: string): boolean {
    const timer = this.#held.get(user)?.[0];
    if (timer === undefined) return false;
    clearTimeout(timer);
    this.#forget(user, timer);
    return true;
  }

  #forget(user: string, timer: ReturnType<typeof setTimeout>): void {
    const rest = (this.#held.get(user) ?? []).filter((other) => other !== timer);
    if (rest.length === 0) this.#held.delete(user);
    else this.#held.set(user, rest);
  }
}
