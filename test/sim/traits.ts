import type { Random } from "./random.ts";
import type { RolloutKind } from "./rollout.ts";

/** The traits that a history may have besides its steps. */
export const TRAITS = [
  /** The account is on the free plan, with fewer calls for an event. */
  "freePlan",
  /** The runtime counts queued bytes. */
  "bufferedAmount",
  /** Some clients never answer a close frame. */
  "silentPeers",
  /** Clients of a shard that sleeps end together. */
  "endTogether",
  /** The platform gives up alarms. */
  "lostAlarms",
  /** Some publications have up to two megabytes. */
  "largePublications",
  /** Clients pass through many channels. */
  "manyChannels",
  /** All clients leave in the end, and months pass. */
  "quietMonths",
  /** Strangers flood shards with frames, read nothing, and vanish. */
  "hostileClients",
  /** The ring moves by itself, and shards have guests. */
  "scaling",
  /** A channel that keeps nothing dies while its calls are on the way, and speaks again at once. */
  "lateCalls",
  /** Socket.IO clients come back for their sessions. */
  "socketio",
  /** Back ends give orders about users: each client is a user. */
  "orders",
  /** A write to storage fails, and its object lives on. */
  "failedWrites",
] as const;
export type Trait = (typeof TRAITS)[number];

/** The judgements when all clients have left and months have passed (aftermath.ts), over years, and about memory. */
export type Judgement = "silence" | "channels" | "shards" | "coordinator" | "memory";

/** The traits and judgements that the present code does not pass yet, each with the part that is missing. */
const NOT_YET: Partial<Record<Trait | Judgement, string>> = {};

export const isJudged = (one: Trait | Judgement): boolean => NOT_YET[one] === undefined;

/** The release before was not made for these traits. */
const PRESENT_ONLY: ReadonlySet<Trait> = new Set<Trait>([
  "bufferedAmount",
  "silentPeers",
  "endTogether",
  "lostAlarms",
  "largePublications",
  "quietMonths",
  "hostileClients",
  "failedWrites",
]);

/** One in so many histories has each trait. */
const ONE_IN = 6;

/** Traits that the pinned seeds of sim.test.ts were found without have numbers of their own. */
const LATER: ReadonlySet<Trait> = new Set<Trait>(["scaling"]);

/** Traits that a history has only where they are asked for, so that the seeds of all others stay what they were. */
const ASKED_FOR: ReadonlySet<Trait> = new Set<Trait>(["lateCalls", "socketio", "orders", "failedWrites"]);

/** Draws the traits of a history. `asked`: these instead, also those that are not kept yet. */
export function drawTraits(
  { first, later }: { readonly first: Random; readonly later: Random },
  kind: RolloutKind,
  asked: readonly Trait[] | undefined,
): ReadonlySet<Trait> {
  const drawn = TRAITS.filter((trait) => !ASKED_FOR.has(trait)).filter((trait) =>
    (LATER.has(trait) ? later : first).chance(1 / ONE_IN),
  );
  const possible = drawn.filter((trait) => isJudged(trait) && (kind === "none" || !PRESENT_ONLY.has(trait)));
  return new Set(asked ?? possible);
}
