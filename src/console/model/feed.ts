import type { LiveEvent } from "../../contracts/live.ts";
import type { PredictedMoves } from "../../contracts/change.ts";
import type { Descriptor, ShardSpec } from "../../ring/descriptor.ts";

/** An epoch as the live feed or the operator's API has reported it. */
export type Epoch = {
  readonly ringEpoch: number;
  readonly at: number;
  readonly cause: string;
  readonly by: string;
  readonly shards: readonly ShardSpec[];
  readonly predicted: PredictedMoves | null;
  readonly movedFrom: Readonly<Record<string, number>>;
};

/** An entry of the timeline other than an epoch. `at`: by the cluster's clock. `page` is about the connection of this page. */
export type Incident = {
  readonly at: number;
  readonly kind: "restarted" | "untold" | "crash" | "page";
  readonly text: string;
  readonly shard?: string;
};

/** The ring and the history of the cluster, from the live feed and the operator's API. */
export type Feed = {
  /** Newest first. */
  readonly epochs: readonly Epoch[];
  readonly incidents: readonly Incident[];
  readonly descriptor: Descriptor | undefined;
};

export const EMPTY_FEED: Feed = { epochs: [], incidents: [], descriptor: undefined };

/** The page keeps this many epochs and this many incidents. The coordinator keeps all epochs. */
const MAX_KEPT = 100;

/** Applies one event. A repeated event has no effect, and the newest descriptor stays. */
export function stepFeed(
  feed: Feed,
  event: Exclude<LiveEvent, { kind: "pulse" | "refused" | "scale" }>,
): Feed {
  switch (event.kind) {
    case "epoch": {
      const { descriptor, at, cause, by, predicted } = event;
      const epoch = { ringEpoch: descriptor.epoch, at, cause, by, predicted, shards: descriptor.shards };
      const known = feed.epochs.find(({ ringEpoch }) => ringEpoch === descriptor.epoch);
      return {
        ...feed,
        descriptor: newer(feed.descriptor, descriptor),
        epochs: merge(feed.epochs, [{ ...epoch, movedFrom: known?.movedFrom ?? {} }]),
      };
    }
    case "moved":
      return {
        ...feed,
        epochs: feed.epochs.map((epoch) =>
          epoch.ringEpoch === event.ringEpoch
            ? { ...epoch, movedFrom: { ...epoch.movedFrom, [event.shard]: event.moved } }
            : epoch,
        ),
      };
    case "restarted":
      return withIncident(feed, {
        at: event.at,
        kind: "restarted",
        shard: event.shard,
        text: `${event.shard}${event.front === undefined ? "" : ` (${event.front})`} has restarted: its clients lost their sockets, and reconnect by themselves`,
      });
    case "untold":
      return withIncident(feed, {
        at: event.at,
        kind: "untold",
        text: `epoch ${event.ringEpoch} has not reached ${event.shards.join(", ")}; the coordinator keeps trying`,
      });
  }
}

export const withIncident = (feed: Feed, incident: Incident): Feed => ({
  ...feed,
  incidents: [incident, ...feed.incidents].slice(0, MAX_KEPT),
});

/** Applies a report of the operator's API. Its epochs replace the same epochs of the live feed. */
export function applyReport(
  feed: Feed,
  report: { readonly descriptor: Descriptor; readonly epochs: readonly Epoch[] },
): Feed {
  return {
    ...feed,
    descriptor: newer(feed.descriptor, report.descriptor),
    epochs: merge(feed.epochs, report.epochs),
  };
}

/** The sessions that all shards have moved for an epoch. */
export const movedOf = ({ movedFrom }: Epoch): number =>
  Object.values(movedFrom).reduce((sum, count) => sum + count, 0);

function newer(known: Descriptor | undefined, seen: Descriptor): Descriptor {
  return known === undefined || seen.epoch > known.epoch ? seen : known;
}

function merge(known: readonly Epoch[], fresh: readonly Epoch[]): Epoch[] {
  const byNumber = new Map([...known, ...fresh].map((epoch) => [epoch.ringEpoch, epoch]));
  return [...byNumber.values()].toSorted((a, b) => b.ringEpoch - a.ringEpoch).slice(0, MAX_KEPT);
}

export type TimelineEntry =
  | { readonly at: number; readonly epoch: Epoch }
  | { readonly at: number; readonly incident: Incident };

/**
 * Epochs and incidents in one list, newest first: an effect stands above its cause. Of one millisecond, the epoch is the
 * cause (SPEC OP13).
 */
export function timelineOf({ epochs, incidents }: Feed): TimelineEntry[] {
  const all: TimelineEntry[] = [
    ...epochs.map((epoch) => ({ at: epoch.at, epoch })),
    ...incidents.map((incident) => ({ at: incident.at, incident })),
  ];
  return all.toSorted((a, b) => b.at - a.at || Number("epoch" in a) - Number("epoch" in b));
}
