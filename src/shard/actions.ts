import type { Config } from "../config/config.ts";
import type { Action, ActionOf, Reached } from "../contracts/orders.ts";
import { parseChannel } from "../policy/channels.ts";
import { mayJoinLeave } from "../policy/permissions.ts";
import type { Connections } from "./connections/connections.ts";
import { subscriptionsOf, type Session, type Subscription } from "./connections/session.ts";
import type { Notice, Wire } from "./wire.ts";
import type { Subscriptions } from "./subscriptions/subscriptions.ts";

export type ActionParts = {
  readonly config: Config;
  readonly connections: Connections;
  readonly subscriptions: Subscriptions;
  readonly wire: Wire;
  /** Whether a command of the session waits for a hook, which may have given the order and wait for it. */
  readonly isAsking: (session: Session) => boolean;
};

type Leave = { readonly channel: string };
/** The unsubscribes that wait for what is under way. A subscribe that overtakes them is the later order. */
const waitingLeaves = new WeakMap<Session, Set<Leave>>();

/** Does what a back end wants done with the sessions of users, as far as they are here (SPEC AP5). */
export async function act(parts: ActionParts, action: Action): Promise<Reached> {
  const users = new Map<string, number>();
  const count = (user: string, sessions: number) => {
    if (sessions > 0) users.set(user, sessions);
  };
  switch (action.kind) {
    case "send": {
      const sent = action.users.map((user) => [user, send(parts, user, action)] as const);
      for (const [user, sessions] of sent) count(user, await sessions);
      break;
    }
    case "disconnect":
      count(action.user, disconnect(parts, action));
      break;
    case "unsubscribe":
      count(action.user, unsubscribe(parts, action));
      break;
    case "subscribe":
      count(action.user, await subscribe(parts, action));
      break;
    case "refresh":
      count(action.user, refresh(parts, action));
      break;
  }
  const sessions = [...users.values()].reduce((sum, one) => sum + one, 0);
  return { kind: "reached", sessions, users };
}

/** The open sessions of a user, or the one that is meant. */
function sessionsOf(
  { connections }: ActionParts,
  action: { readonly user: string; readonly client: string | null },
): Session[] {
  return connections.sessions
    .ofUser(action.user)
    .filter(({ attachment }) => action.client === null || attachment.id === action.client);
}

function notify({ connections, wire }: ActionParts, session: Session, notice: Notice): void {
  connections.send(session, wire.encodeNotice(session, notice));
}

async function send(parts: ActionParts, user: string, { data }: ActionOf<"send">): Promise<number> {
  const { connections } = parts;
  const sessions = connections.sessions.ofUser(user);
  for (const session of sessions) notify(parts, session, { kind: "message", data });
  // A connect that is under way may fail (SPEC FO7).
  await Promise.all(sessions.flatMap(({ held }) => (held === undefined ? [] : [held.over])));
  // A slow reader may have been closed by just this.
  return sessions.filter(({ ended }) => !ended).length;
}

function disconnect(parts: ActionParts, action: ActionOf<"disconnect">): number {
  const { code, reason, except } = action;
  const meant = sessionsOf(parts, action).filter(({ attachment }) => !except.includes(attachment.id));
  for (const session of meant) parts.connections.close(session, { code, reason });
  return meant.length;
}

/** Ends a subscription, and one that is under way as soon as it has begun. */
function unsubscribe(parts: ActionParts, action: ActionOf<"unsubscribe">): number {
  const { channel } = action;
  const leave = (session: Session): boolean => {
    if (!parts.subscriptions.leave(session, channel)) return false;
    notify(parts, session, { kind: "unsubscribed", channel, why: "server" });
    return true;
  };
  const sessions = sessionsOf(parts, action);
  for (const session of sessions) {
    if (session.busy === 0) continue;
    const waiting = waitingLeaves.get(session) ?? new Set<Leave>();
    const order = { channel };
    waitingLeaves.set(session, waiting.add(order));
    // Nobody waits for it: a hook may have asked for this while the session waits for the hook.
    void parts.connections.inOrder(session, async () => void (waiting.delete(order) && leave(session)));
  }
  return sessions.filter(leave).length;
}

/** Subscribes by the server; a session that has the channel already keeps what it has. Rejects where one could not. */
async function subscribe(parts: ActionParts, action: ActionOf<"subscribe">): Promise<number> {
  const joined = await Promise.allSettled(
    sessionsOf(parts, action).map((session) => subscribeOne(parts, session, action)),
  );
  const failed = joined.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
  return joined.filter((one) => one.status === "fulfilled" && one.value).length;
}

async function subscribeOne(
  parts: ActionParts,
  session: Session,
  action: ActionOf<"subscribe">,
): Promise<boolean> {
  const { config, connections, subscriptions, isAsking } = parts;
  const parsed = parseChannel(action.channel, config.cluster.limits.channelBytes);
  if (!parsed.ok) return false;
  const { channel } = parsed;
  let done = false;
  let failure: { readonly error: unknown } | undefined;
  const has = (): boolean =>
    subscriptionsOf(session).has(channel.name) || subscriptions.beginsAnew(session, channel.name);
  const hasRoom = (): boolean => {
    const { attachment } = session;
    const { channelsPerClient } = config.cluster.limits;
    return attachment.state === "open" && subscriptions.count(attachment) < channelsPerClient;
  };
  const join = async (): Promise<void> => {
    const open = session.attachment;
    if (open.state !== "open") return;
    const { user } = open;
    const joinLeave = mayJoinLeave({ config, channel, user, subscribed: true, asked: false });
    const subscription: Subscription = {
      byServer: true,
      ...(joinLeave ? { joinLeave } : {}),
      ...(action.info === undefined ? {} : { chanInfo: action.info }),
      ...(action.expiresAt === null ? {} : { expiresAt: action.expiresAt }),
    };
    const wishes = action.since === null ? {} : { since: action.since };
    const isWanted = (): boolean => !has() && hasRoom();
    const request = { channel, user, wishes, subscription, isWanted };
    const joined = isWanted()
      ? await subscriptions.join(session, request, (start) =>
          notify(parts, session, { kind: "subscribed", channel: channel.name, start, data: action.data }),
        )
      : "gone";
    done = joined === "joined" || has();
    if (done || session.ended) return;
    if (joined === "full") throw new Error("a session has no room for the channel: it keeps 16 KiB in all");
    if (!hasRoom()) throw new Error("a session has as many channels as it may have");
  };
  // An error in the session's own order would end the session.
  const carryOut = (): Promise<void> =>
    join().catch((error: unknown) => {
      failure = { error };
    });
  if (isAsking(session)) {
    // A hook may wait for this while the session waits for the hook. Later work of the session waits for the join.
    const waiting = waitingLeaves.get(session);
    for (const order of waiting ?? []) if (order.channel === channel.name) waiting?.delete(order);
    const joining = carryOut();
    void connections.inOrder(session, () => joining);
    await joining;
  } else {
    // In the session's own order, so that no frame of its client comes in between.
    await connections.inOrder(session, carryOut);
  }
  if (failure !== undefined) throw failure.error;
  return done;
}

/** Throws where a session has no room for the new info. */
function refresh(parts: ActionParts, action: ActionOf<"refresh">): number {
  const { connections } = parts;
  const meant = sessionsOf(parts, action);
  let isFull = false;
  for (const session of meant) {
    if (action.expired) {
      connections.end(session, "expired");
      continue;
    }
    const { attachment } = session;
    if (attachment.state !== "open") continue;
    const { expiresAt: _old, ...rest } = attachment;
    const isKept = connections.sessions.remember(session, {
      ...rest,
      ...(action.expiresAt === null ? {} : { expiresAt: action.expiresAt }),
      ...(action.info === undefined ? {} : { connInfo: action.info }),
    });
    if (!isKept) isFull = true;
  }
  if (isFull) throw new Error("a session has no room for its new info: it keeps 16 KiB in all");
  return meant.length;
}
