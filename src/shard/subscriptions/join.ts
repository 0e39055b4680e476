import type { Config } from "../../config/config.ts";
import type { Position } from "../../contracts/publication.ts";
import type { ChannelName } from "../../policy/channels.ts";
import { planTracking } from "../../policy/tracking.ts";
import type { Session, Subscription } from "../connections/session.ts";
import type { Counters } from "../records/counters.ts";
import type { Channels } from "./channels.ts";
import type { Beginning } from "./resume.ts";
import type { Start } from "./start.ts";

/** A client's wishes for a channel that it subscribes to, or that the server subscribes it to. */
export type Wishes = {
  /** The position that the client resumes from; an empty log epoch matches any. */
  readonly since?: Position | undefined;
  readonly recoverable?: boolean | undefined;
  readonly positioned?: boolean | undefined;
  /** A kind of patches. */
  readonly delta?: string | undefined;
  /** The server's own wishes: no namespace has to permit them. */
  readonly byServer?: boolean | undefined;
  /** Rather an error than a start that was not recovered. */
  readonly rejectUnrecovered?: boolean | undefined;
};

export type JoinRequest = {
  readonly channel: ChannelName;
  readonly user: string;
  readonly wishes: Wishes;
  readonly subscription: Subscription;
  /** Asked when the channel has answered: whoever asked for the subscription may have gone while its session stays. */
  readonly isWanted?: () => boolean;
};

/** `full`: the socket cannot remember another subscription. `gone`: the session has ended meanwhile, or wants it no more. */
export type Joined = "joined" | "gone" | "full" | "unrecovered";

export type JoinEffects = {
  readonly config: Config;
  readonly channels: Channels<Session>;
  readonly counters: Counters;
  readonly remember: (subscription: Subscription) => boolean;
  readonly tell: (start: Start) => void;
  /** The session listens from now on. */
  readonly onJoined: () => void;
};

/** Makes a session listen to a channel (SPEC DL2, DL7); see `Subscriptions.join`. */
export async function join(
  session: Session,
  { channel, user, wishes, subscription, isWanted = () => true }: JoinRequest,
  { config, channels, counters, remember, tell, onJoined }: JoinEffects,
): Promise<Joined> {
  const { since } = wishes;
  const tracking = planTracking({
    config,
    channel,
    user,
    recoverable: wishes.recoverable === true || since !== undefined,
    positioned: wishes.positioned === true,
    delta: wishes.delta,
    byServer: wishes.byServer,
  });
  let joined: Joined = "gone";
  const begin = ({ position, recovery }: Beginning): boolean => {
    if (session.ended || !isWanted()) return false;
    if (wishes.rejectUnrecovered === true && recovery?.kind === "restart") {
      joined = "unrecovered";
      return false;
    }
    const remembered = {
      ...subscription,
      ...(position === null ? {} : { since: position.offset }),
      ...(tracking.delta ? { delta: true as const } : {}),
    };
    if (!remember(remembered)) {
      joined = "full";
      return false;
    }
    if (recovery !== null) counters.counts[recovery.kind === "resume" ? "resumed" : "notResumed"] += 1;
    tell({ subscription: remembered, tracking, position, recovery, since });
    // The answer itself may have been too much for a slow reader: its session has left all its channels (SPEC BD14).
    if (session.ended) return false;
    joined = "joined";
    onJoined();
    return true;
  };
  const resume = tracking.recoverable && since !== undefined ? { since, mode: tracking.mode } : null;
  await channels.listen(channel.name, { listener: session, resume, wantsPrevious: tracking.delta }, begin);
  return joined;
}
