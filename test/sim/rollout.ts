import type { Random } from "./random.ts";
import type { NamedRelease, TwoReleases } from "./releases.ts";

/**
 * The releases that live in a history. `none`: the present release alone. `upgrade` and `rollback`: a deployment at a
 * random step replaces one release by the other. `mixed`: each new life of an object is of either release at random,
 * so each release reads what the other has stored, many times.
 */
export const ROLLOUT_KINDS = ["none", "upgrade", "rollback", "mixed"] as const;
export type RolloutKind = (typeof ROLLOUT_KINDS)[number];

/** `max_delay` of our deployments is 300 s. In most deployments an object is reset sooner. */
const RESET_WITHIN_MS = [2_000, 30_000, 120_000, 300_000] as const;
/** A later deployment would leave few steps after it. */
const LATEST_PART = 0.7;

/**
 * Decides the release of each life and of each router. MUST have a `Random` of its own, so that the rest of the history
 * draws the same numbers in every kind.
 */
export class Rollout {
  readonly kind: RolloutKind;
  /** The deployment comes after this part of the history's steps; undefined where no deployment comes. */
  readonly deployAfterPart: number | undefined;
  /** An object that begins no new life after the deployment crashes within this time. */
  readonly resetWithinMs: number;
  readonly #random: Random;
  readonly #releases: TwoReleases;
  #isDeployed = false;

  /** Without `kind` the random numbers decide: `none` in half of the histories. */
  constructor(random: Random, releases: TwoReleases, kind?: RolloutKind) {
    this.#random = random;
    this.#releases = releases;
    const drawn = random.chance(0.5) ? "none" : random.pick(["upgrade", "rollback", "mixed"] as const);
    this.kind = kind ?? drawn;
    this.resetWithinMs = random.pick(RESET_WITHIN_MS);
    const part = random.next() * LATEST_PART;
    this.deployAfterPart = this.kind === "upgrade" || this.kind === "rollback" ? part : undefined;
  }

  get present(): NamedRelease {
    return this.#releases.present;
  }

  /** From now on each new life and each router is of the other release. */
  deploy(): void {
    this.#isDeployed = true;
  }

  /** The release of a life that begins now. */
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

  /** When and how the deployment crashes an object; `silenced` as in `World.crash`. */
  drawReset(): { readonly afterMs: number; readonly silenced: boolean } {
    return { afterMs: this.#random.int(0, this.resetWithinMs), silenced: this.#random.chance(0.5) };
  }

  #deployed(): NamedRelease {
    const isPresent = this.kind === "none" || (this.kind === "upgrade") === this.#isDeployed;
    return isPresent ? this.#releases.present : this.#releases.before;
  }
}
