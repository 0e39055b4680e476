import type { ChannelName } from "../../policy/channel-name.ts";
import { planTracking, type Tracking } from "../../policy/permissions.ts";
import type { SubscribeResult } from "../../centrifuge/reply.ts";
import type { Clients } from "../clients.ts";
import { Emission } from "../../centrifuge/frames.ts";
import type { Start } from "./channels.ts";
import type { Session, Subscription } from "../connections/session.ts";

/** What a client says of a channel that it subscribes to, or that the server subscribes it to. */
export type Wishes = {
  readonly recover?: boolean | undefined;
  readonly offset?: number | undefined;
  readonly epoch?: string | undefined;
  readonly recoverable?: boolean | undefined;
  readonly positioned?: boolean | undefined;
  readonly delta?: string | undefined;
  /** Rather an error than `recovered: false`. */
  readonly rejectUnrecovered?: boolean | undefined;
};

export type Joined = "joined" | "gone" | "full" | "unrecovered";

/**
 * Makes a session listen to a channel, and hands `answer` its result, with the JSON text of each publication that it has
 * missed, in the turn in which it begins: what is answered comes before anything that the channel says. Rejects if the channel cannot be reached.
 */
export async function join(
  clients: Clients,
  session: Session,
  to: {
    readonly channel: ChannelName;
    readonly user: string;
    readonly wishes: Wishes;
    readonly subscription: Subscription;
  },
  answer: (result: SubscribeResult, missed: readonly string[]) => void,
  result: SubscribeResult,
): Promise<Joined> {
  const { channel, wishes, subscription } = to;
  const tracking = planTracking({
    config: clients.config,
    channel,
    user: to.user,
    recoverable: wishes.recoverable === true || wishes.recover === true,
    positioned: wishes.positioned === true,
    delta: wishes.delta,
  });
  const recovers = tracking.recoverable && wishes.recover === true;
  const since = { offset: wishes.offset ?? 0, logEpoch: wishes.epoch ?? "" };
  let outcome: Joined = "gone";
  const begin = (start: Start): boolean => {
    if (!clients.sessions.has(session)) return false;
    if (wishes.rejectUnrecovered === true && start.recovery?.kind === "restart") {
      outcome = "unrecovered";
      return false;
    }
    const remembered = {
      ...subscription,
      ...(start.position === null ? {} : { since: start.position.offset }),
      ...(tracking.delta ? { delta: true as const } : {}),
    };
    if (!clients.rememberSubscription(session, channel.name, remembered)) {
      outcome = "full";
      return false;
    }
    const missed = start.recovery?.kind === "resume" ? start.recovery.publications : [];
    const publications = new Emission(channel.name, { entries: missed, durable: true }).missedBy(
      remembered,
      session.deltaBases,
    );
    const described = describe(start, tracking, publications.length > 0 ? since.offset : undefined);
    if (start.recovery !== null)
      clients.counters.add(start.recovery.kind === "resume" ? "resumed" : "notResumed");
    answer({ ...result, ...described }, publications);
    outcome = "joined";
    return true;
  };
  try {
    await clients.hub.listen(channel.name, recovers ? { since, mode: tracking.mode } : null, begin, session);
  } finally {
    // Registered, perhaps, for nobody.
    clients.lookAt(channel.name);
  }
  return outcome;
}

/**
 * A recovery that succeeded with publications echoes the offset that was asked for (`from`): the client advances with
 * each of them.
 */
function describe(
  { position, recovery }: Start,
  tracking: Tracking,
  from: number | undefined,
): SubscribeResult {
  if (position === null || !tracking.positioned) return {};
  const recovered = recovery?.kind === "resume";
  return {
    ...(tracking.recoverable ? { recoverable: true } : {}),
    positioned: true,
    epoch: position.logEpoch,
    offset: recovered && from !== undefined ? from : position.offset,
    ...(recovery === null ? {} : { was_recovering: true }),
    ...(recovered ? { recovered: true } : {}),
    ...(tracking.delta ? { delta: true } : {}),
  };
}
