import { isNewerEpoch } from "../../contracts/log-epoch.ts";
import type { Delivery } from "../../contracts/orders.ts";
import type { Position } from "../../contracts/publication.ts";

/** How far a shard has heard in a channel. `superseded`: where it was in the log before, of another epoch. */
export type Heard = { readonly superseded?: Position | undefined } & (
  | { readonly kind: "unknown" }
  | { readonly kind: "known"; readonly position: Position; readonly durable: boolean }
);

/** A position as it is kept through a sleep. */
export type KeptPosition = Position & { readonly durable: boolean; readonly superseded?: Position };

export type DeliveryPlan =
  /** It seems a late call of an earlier log or life of the channel. The log knows. */
  | { readonly kind: "ask" }
  | {
      readonly kind: "apply";
      /** Listeners have missed something that the channel cannot tell. */
      readonly giveUp: boolean;
      /** The listeners have every publication up to here. */
      readonly from: Position;
      /** The publications between `from` and the delivery are fetched first. */
      readonly pull: boolean;
      readonly superseded: Position | undefined;
    };

/**
 * Plans what a shard does with a delivery, by its place in the channel (SPEC DL1, DL8). `isPresent`: the log has said
 * that the delivery is of its present epoch.
 */
export function planDelivery(heard: Heard, delivery: Delivery, { isPresent = false } = {}): DeliveryPlan {
  const { logEpoch, durable, since: before, mayRepeat, entries } = delivery;
  if (!isPresent && seemsLate(heard, logEpoch)) return { kind: "ask" };
  const known = heard.kind === "known" ? heard.position : undefined;
  if (known?.logEpoch === logEpoch) {
    const pull = durable && before > known.offset && entries.some(({ kind }) => kind === "pub");
    return { kind: "apply", giveUp: false, from: known, pull, superseded: heard.superseded };
  }
  // Another log, or a place that was forgotten. An ephemeral channel begins anew with each of its lives.
  const giveUp = durable && (known !== undefined || mayRepeat);
  const from = { logEpoch, offset: durable ? before : 0 };
  return { kind: "apply", giveUp, from, pull: false, superseded: known ?? heard.superseded };
}

/** Another epoch than the latest that the shard knows, unless its name says that it is newer. */
function seemsLate(heard: Heard, logEpoch: string): boolean {
  if (logEpoch === heard.superseded?.logEpoch) return true;
  const latest = heard.kind === "known" ? heard.position : heard.superseded;
  return latest !== undefined && logEpoch !== latest.logEpoch && !isNewerEpoch(logEpoch, latest.logEpoch);
}

/** The place of a shard whose log, as the log itself says, is still the one that seemed to be superseded. */
export function readmit(heard: Heard, { logEpoch, durable }: Pick<Delivery, "logEpoch" | "durable">): Heard {
  const { superseded } = heard;
  // Listeners of a log that keeps publications begin anew: it is not known what they have missed.
  if (durable || superseded?.logEpoch !== logEpoch) return { ...heard, superseded: undefined };
  const before = heard.kind === "known" ? heard.position : undefined;
  return { kind: "known", position: superseded, durable, superseded: before };
}
