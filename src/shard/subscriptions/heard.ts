import type { Delivery } from "../../contracts/orders.ts";
import type { Position } from "../../contracts/publication.ts";

/** How far a shard has heard in a channel. `superseded`: the log epoch before, which does not come back (SPEC LG3). */
export type Heard = { readonly superseded?: string | undefined } & (
  | { readonly kind: "unknown" }
  | { readonly kind: "known"; readonly position: Position; readonly durable: boolean }
);

/** A position as it is kept through a sleep. */
export type KeptPosition = Position & { readonly durable: boolean };

export type DeliveryPlan =
  /** A late call of an earlier life of the channel. */
  | { readonly kind: "drop" }
  | {
      readonly kind: "apply";
      /** Listeners have missed something that the channel cannot tell. */
      readonly giveUp: boolean;
      /** The listeners have every publication up to here. */
      readonly from: Position;
      /** The publications between `from` and the delivery are fetched first. */
      readonly pull: boolean;
      readonly superseded: string | undefined;
    };

/** Plans what a shard does with a delivery, by its place in the channel (SPEC DL1, DL8). */
export function planDelivery(heard: Heard, delivery: Delivery): DeliveryPlan {
  const { logEpoch, durable, since: before, mayRepeat, entries } = delivery;
  if (logEpoch === heard.superseded) return { kind: "drop" };
  const known = heard.kind === "known" ? heard.position : undefined;
  if (known?.logEpoch === logEpoch) {
    const pull = durable && before > known.offset && entries.some(({ kind }) => kind === "pub");
    return { kind: "apply", giveUp: false, from: known, pull, superseded: heard.superseded };
  }
  // Another log, or a place that was forgotten. An ephemeral channel begins anew with each of its lives.
  const giveUp = durable && (known !== undefined || mayRepeat);
  const from = { logEpoch, offset: durable ? before : 0 };
  return { kind: "apply", giveUp, from, pull: false, superseded: known?.logEpoch ?? heard.superseded };
}
