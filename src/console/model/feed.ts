import type { LiveEvent } from "../../contracts/live.ts";
import type { PredictedMoves } from "../../contracts/membership.ts";
import type { Descriptor, ShardSpec } from "../../ring/descriptor.ts";

/** An epoch as the page knows it: from the list of epochs, or from the live feed. */
export type Epoch = {
  readonly ringEpoch: number;
  readonly at: number;
  readonly cause: string;
  readonly by: string;
  readonly shards: readonly ShardSpec[];
  readonly predicted: PredictedMoves | null;
  readonly movedFrom: Readonly<Record<string, number>>;
};

/** Something that happened, other than an epoch. */
export type Incident = {
  readonly at: number;
  readonly kind: "restarted" | "untold" | "crash" | "page";
  readonly text: string;
  readonly shard?: string;
};

export type Feed = {
  /** The newest first. */
  readonly epochs: readonly Epoch[];
  readonly incidents: readonly Incident[];
  readonly descriptor: Descriptor | undefined;
};

export const EMPTY_FEED: Feed = { epochs: [], incidents: [], descriptor: undefined };

/** So many are kept of each; the coordinator keeps all epochs. */
const KEEP = 100;

/** What the page knows after an event. Told twice is told once; the older of two descriptors changes nothing. */
export function stepFeed(feed: Feed, event: Exclude<LiveEvent, { kind: "pulse" }>): Feed {
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
        text: `${event.shard} came up again: its sockets were lost, and come back by themselves`,
      });
    case "untold":
      return withIncident(feed, {
        at: event.at,
        kind: "untold",
        text: `epoch ${event.ringEpoch} has not reached ${event.shards.join(", ")}; it is tried again`,
      });
  }
}

export const withIncident = (feed: Feed, incident: Incident): Feed => ({
  ...feed,
  incidents: [incident, ...feed.incidents].slice(0, KEEP),
});

/** What the operator's API says replaces what the feed has said of the same epochs. */
export function adoptReport(
  feed: Feed,
  report: { readonly descriptor: Descriptor; readonly epochs: readonly Epoch[] },
): Feed {
  return {
    ...feed,
    descriptor: newer(feed.descriptor, report.descriptor),
    epochs: merge(feed.epochs, report.epochs),
  };
}

export const movedOf = ({ movedFrom }: Epoch): number =>
  Object.values(movedFrom).reduce((sum, count) => sum + count, 0);

function newer(known: Descriptor | undefined, seen: Descriptor): Descriptor {
  return known === undefined || seen.epoch > known.epoch ? seen : known;
}

function merge(known: readonly Epoch[], fresh: readonly Epoch[]): Epoch[] {
  const byNumber = new Map([...known, ...fresh].map((epoch) => [epoch.ringEpoch, epoch]));
  return [...byNumber.values()].toSorted((a, b) => b.ringEpoch - a.ringEpoch).slice(0, KEEP);
}

/** Epochs and incidents in one list, the newest first. */
export type Happening =
  | { readonly at: number; readonly epoch: Epoch }
  | { readonly at: number; readonly incident: Incident };

export function timelineOf({ epochs, incidents }: Feed): Happening[] {
  const all: Happening[] = [
    ...epochs.map((epoch) => ({ at: epoch.at, epoch })),
    ...incidents.map((incident) => ({ at: incident.at, incident })),
  ];
  return all.toSorted((a, b) => b.at - a.at);
}
