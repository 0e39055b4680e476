import type { PresenceEvent } from "../contracts/channel.ts";

/** How much is held at a time. A move of more than so many releases the oldest early: they are told as leaves. */
export type HeldBounds = { readonly events: number; readonly bytes: number };
const BOUNDS: HeldBounds = { events: 10_000, bytes: 4_194_304 };

type Held = { readonly event: PresenceEvent; readonly owner: string; readonly until: number };

/**
 * Leaves that our own moves caused, held until it is clear whether the user returns.
 *
 * Where a user joins while a leave of theirs is held, neither is told. A connection without a user has a hold of its
 * own: the join of a stranger does not end it (SPEC BD62). In memory: a crash loses held leaves.
 */
export class HeldLeaves {
  readonly #holdMs: number;
  readonly #release: (event: PresenceEvent) => void;
  readonly #bounds: HeldBounds;
  /** In the order in which they began. */
  readonly #held = new Set<Held>();
  readonly #byOwner = new Map<string, Held[]>();
  #bytes = 0;
  /** For the oldest: all are held equally long. */
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(holdMs: number, release: (event: PresenceEvent) => void, bounds: HeldBounds = BOUNDS) {
    this.#holdMs = holdMs;
    this.#release = release;
    this.#bounds = bounds;
  }

  /** Takes an event; answers whether it is to be told now. */
  pass(event: PresenceEvent): boolean {
    if (event.kind === "join") {
      const [oldest] = this.#byOwner.get(ownerOf(event)) ?? [];
      if (oldest !== undefined) this.#forget(oldest);
      return oldest === undefined;
    }
    if (!event.held) return true;
    this.#hold({ event, owner: ownerOf(event), until: Date.now() + this.#holdMs });
    return false;
  }

  #hold(held: Held): void {
    this.#held.add(held);
    const others = this.#byOwner.get(held.owner);
    if (others === undefined) this.#byOwner.set(held.owner, [held]);
    else others.push(held);
    this.#bytes += held.event.body.length;
    for (const oldest of this.#held) {
      if (this.#held.size <= this.#bounds.events && this.#bytes <= this.#bounds.bytes) break;
      this.#forget(oldest);
      this.#release(oldest.event);
    }
    this.#arm();
  }

  #forget(held: Held): void {
    this.#held.delete(held);
    this.#bytes -= held.event.body.length;
    const ofOwner = this.#byOwner.get(held.owner) ?? [];
    ofOwner.splice(ofOwner.indexOf(held), 1);
    if (ofOwner.length === 0) this.#byOwner.delete(held.owner);
    if (this.#held.size > 0) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(): void {
    const [oldest] = this.#held;
    if (this.#timer !== null || oldest === undefined) return;
    this.#timer = setTimeout(() => this.#releaseDue(), Math.max(0, oldest.until - Date.now()));
  }

  #releaseDue(): void {
    this.#timer = null;
    const now = Date.now();
    for (const held of this.#held) {
      if (held.until > now) break;
      this.#forget(held);
      this.#release(held.event);
    }
    this.#arm();
  }
}

/** Release 0.2.0 does not name the client: its connections without a user share a hold, as in that release. */
const ownerOf = ({ user, client = "" }: PresenceEvent): string =>
  user === "" ? `client ${client}` : `user ${user}`;
