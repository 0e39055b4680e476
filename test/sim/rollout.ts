import type { Random } from "./random.ts";
import type { NamedRelease, TwoReleases } from "./releases.ts";

/**
 * The releases that live in a history. `none`: the present one alone. `upgrade` and `rollback` have a deployment at a
 * random step. In `mixed` each new life of an object is of either release, so that each reads again and again what
 * the other has stored.
 */
export const ROLLOUT_KINDS = ["none", "upgrade", "rollback", "mixed"] as const;
export type RolloutKind = (typeof ROLLOUT_KINDS)[number];

/** Five minutes are the platform's longest `max_delay`; in most deployments an object is reset sooner. */
const RESET_WITHIN_MS = [2_000, 30_000, 120_000, 300_000] as const;
/** Later deployments would find a history almost over. */
const LATEST_PART = 0.7;

/**
 * Decides the release of each life and of each router. MUST be given a chance of its own, so that the rest of the
 * history draws the same numbers whatever is decided here.
 */
export class Rollout {
  readonly kind: RolloutKind;
  /** The deployment comes after this part of the history's steps; undefined where no deployment comes. */
  readonly deployAfterPart: number | undefined;
  /** An object that the deployment finds awake, and that does not sleep, dies within this time. */
  readonly resetWithinMs: number;
  readonly #random: Random;
  readonly #releases: TwoReleases;
  #isDeployed = false;

  /** Without `kind` chance decides, and half of the histories have the present release alone. */
  constructor(random: Random, releases: TwoReleases, kind?: RolloutKind) {
    this.#random = random;
    this.#releases = releases;
    const drawn = random.chance(0.5) ? "none" : random.pick(["upgrade", "rollback", "mixed"] as const);
    this.kind = kind ?? drawn;
    this.resetWithinMs = random.pick(RESET_WITHIN_MS);
    const part = random.next() * LATEST_PART;
    this.deployAfterPart = this.kind === "upgrade" || this.kind === "rollback" ? part : undefined;
  }

  /** From now on each new life and each router is of the other release. */
  deploy(): void {
    this.#isDeployed = true;
  }

  /** The release of an object's life that begins now. */
  forNewLife(): NamedRelease {
    const { before, present } = this.#releases;
    return this.kind === "mixed" ? this.#random.pick([before, present]) : this.#deployed();
  }

  /** The releases of the two routers from now on. In `mixed` each release has one. */
  forRouters(): readonly [NamedRelease, NamedRelease] {
    if (this.kind !== "mixed") return [this.#deployed(), this.#deployed()];
    const { before, present } = this.#releases;
    return this.#random.chance(0.5) ? [before, present] : [present, before];
  }

  /** When and how an object dies that the deployment found awake; see `World.crash` for `silenced`. */
  drawReset(): { readonly afterMs: number; readonly silenced: boolean } {
    return { afterMs: this.#random.int(0, this.resetWithinMs), silenced: this.#random.chance(0.5) };
  }

  #deployed(): NamedRelease {
    const isPresent = this.kind === "none" || (this.kind === "upgrade") === this.#isDeployed;
    return isPresent ? this.#releases.present : this.#releases.before;
  }
}
