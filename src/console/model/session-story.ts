import { buildRing } from "../../ring/build.ts";
import type { Ring } from "../../ring/ring.ts";
import type { Epoch } from "./feed.ts";

/** A session as the shards tell of it. Times are ms since 1970. */
export type SessionSummary = {
  readonly client: string;
  readonly user: string;
  readonly key: string;
  readonly shard: string;
  readonly connectedAt: number;
  readonly channels: readonly string[];
};

/** An epoch that gave the session's key another owner, and whether this session came because of it. */
export type Handover = {
  readonly ringEpoch: number;
  readonly at: number;
  readonly cause: string;
  readonly by: string;
  readonly from: string;
  readonly to: string;
  readonly broughtHere: boolean;
};

export type SessionStory = {
  readonly slot: number;
  /** Its place among the owners of the slot: 0 is the first; undefined where it is none of them. */
  readonly rank: number | undefined;
  readonly owner: string | undefined;
  /** The newest first. */
  readonly handovers: readonly Handover[];
};

/** The rings of so many epochs are built for a story. */
const EPOCHS = 20;
/** A client that has to move is closed at the pace of its shard, and comes back within seconds. */
const MOVE_MS = 120_000;

/** Rings by epoch; a ring of an epoch never changes. */
export type RingCache = Map<number, Ring>;

/**
 * Where a session is, and why it moved, from the epochs that the cluster keeps (SPEC OP24). `epochs`: the newest first.
 * Undefined before the page knows any epoch.
 */
export function storyOf(
  session: SessionSummary,
  cluster: {
    readonly epochs: readonly Epoch[];
    readonly seed: number;
    readonly defaultRegion: string;
    readonly region: string;
  },
  rings: RingCache = new Map(),
): SessionStory | undefined {
  const { seed, defaultRegion, region } = cluster;
  const epochs = cluster.epochs.slice(0, EPOCHS);
  const ringOf = ({ ringEpoch, shards }: Epoch): Ring => {
    const known = rings.get(ringEpoch) ?? buildRing({ epoch: ringEpoch, seed, defaultRegion, shards });
    rings.set(ringEpoch, known);
    return known;
  };
  const [newest] = epochs;
  if (newest === undefined) return undefined;
  for (const known of rings.keys())
    if (!epochs.some(({ ringEpoch }) => ringEpoch === known)) rings.delete(known);
  const ownerIn = (epoch: Epoch): string | undefined => ringOf(epoch).owners(session.key, region)[0]?.id;
  const handovers = epochs.flatMap((epoch, n): Handover[] => {
    const before = epochs[n + 1];
    if (before === undefined || before.ringEpoch !== epoch.ringEpoch - 1) return [];
    const [from, to] = [ownerIn(before), ownerIn(epoch)];
    if (from === undefined || to === undefined || from === to) return [];
    const { ringEpoch, at, cause, by } = epoch;
    const afterMs = session.connectedAt - at;
    const broughtHere = to === session.shard && afterMs >= 0 && afterMs < MOVE_MS;
    return [{ ringEpoch, at, cause, by, from, to, broughtHere }];
  });
  const owners = ringOf(newest)
    .owners(session.key, region)
    .map(({ id }) => id);
  const rank = owners.indexOf(session.shard);
  return {
    slot: ringOf(newest).slot(session.key),
    rank: rank === -1 ? undefined : rank,
    owner: owners[0],
    handovers,
  };
}

/** Why the session is where it is, in a sentence. */
export function placeText({ shard }: SessionSummary, { rank, owner, slot }: SessionStory): string {
  const its = `slot ${slot.toLocaleString("en-GB")} of its key`;
  if (rank === 0) return `${shard} owns ${its}.`;
  if (owner === undefined) return `No shard owns ${its}.`;
  if (rank === undefined)
    return `${owner} owns ${its}; ${shard} still holds the session, which is about to move or is a guest of its region.`;
  return `${owner} owns ${its}, and had no room; ${shard} is owner ${rank + 1}, and took it as a guest.`;
}
