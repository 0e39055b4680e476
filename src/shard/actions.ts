import { parseChannel } from "../policy/channel-name.ts";
import type { Action, Done } from "../contracts/fanout.ts";
import { mayJoinLeave } from "../policy/permissions.ts";
import { encodePublicationPush, encodeSubscribePush, encodeUnsubscribe } from "../centrifuge/push.ts";
import type { Clients } from "./clients.ts";
import { join } from "./subscriptions/join.ts";
import type { Session, Subscription } from "./connections/session.ts";

type ActionOf<Kind extends Action["kind"]> = Extract<Action, { kind: Kind }>;

/** Does what a back end wants done with the sessions of a user, as far as they are here (SPEC FO). */
export async function act(clients: Clients, action: Action): Promise<Done> {
  const users = new Map<string, number>();
  const count = (user: string, sessions: number) => {
    if (sessions > 0) users.set(user, sessions);
  };
  switch (action.kind) {
    case "send":
      for (const user of action.users) count(user, send(clients, user, action.frame));
      break;
    case "disconnect":
      count(action.user, disconnect(clients, action));
      break;
    case "unsubscribe":
      count(action.user, unsubscribe(clients, action));
      break;
    case "subscribe":
      count(action.user, await subscribe(clients, action));
      break;
    case "refresh":
      count(action.user, refresh(clients, action));
      break;
  }
  const sessions = [...users.values()].reduce((sum, one) => sum + one, 0);
  return { sessions, noListeners: false, users };
}

/** The sessions of a user that are let in, or the one that is meant. */
function sessionsOf(clients: Clients, action: { user: string; client: string | null }): Session[] {
  return clients.sessions
    .ofUser(action.user)
    .filter(({ attachment }) => action.client === null || attachment.id === action.client);
}

function send(clients: Clients, user: string, frame: string): number {
  const sessions = clients.sessions.ofUser(user);
  for (const session of sessions) clients.send(session, frame);
  // A slow reader may have been closed by just this.
  return sessions.filter((session) => clients.sessions.has(session)).length;
}

function disconnect(clients: Clients, action: ActionOf<"disconnect">): number {
  const { code, reason, except } = action;
  const meant = sessionsOf(clients, action).filter(({ attachment }) => !except.includes(attachment.id));
  for (const session of meant) clients.end(session, { code, reason });
  return meant.length;
}

function unsubscribe(clients: Clients, action: ActionOf<"unsubscribe">): number {
  const meant = sessionsOf(clients, action).filter((session) => clients.unsubscribe(session, action.channel));
  for (const session of meant) clients.send(session, encodeUnsubscribe(action.channel, "server"));
  return meant.length;
}

/** Subscribes by the server; a session that has the channel already keeps what it has. */
async function subscribe(clients: Clients, action: ActionOf<"subscribe">): Promise<number> {
  const joined = await Promise.all(
    sessionsOf(clients, action).map((session) => subscribeOne(clients, session, action)),
  );
  return joined.filter(Boolean).length;
}

async function subscribeOne(
  clients: Clients,
  session: Session,
  action: ActionOf<"subscribe">,
): Promise<boolean> {
  const { config } = clients;
  const parsed = parseChannel(action.channel, config.cluster.limits.channelBytes);
  if (!parsed.ok) return false;
  let done = false;
  // In the session's own order, so that no frame of its client comes in between.
  await clients.inOrder(session, async () => {
    const open = session.attachment;
    if (open.state !== "open") return;
    if (open.subscriptions.has(action.channel)) {
      done = true;
      return;
    }
    if (clients.countChannels(open) >= config.cluster.limits.channelsPerClient) return;
    const { user } = open;
    const joinLeave = mayJoinLeave({ config, channel: parsed.channel, user, subscribed: true, asked: false });
    const subscription: Subscription = {
      byServer: true,
      ...(joinLeave ? { joinLeave } : {}),
      ...(action.info === undefined ? {} : { chanInfo: action.info }),
      ...(action.expiresAt === null ? {} : { expiresAt: action.expiresAt }),
    };
    const wishes =
      action.since === null
        ? {}
        : { recover: true, offset: action.since.offset, epoch: action.since.logEpoch };
    const data = action.data === undefined ? {} : { data: action.data };
    const outcome = await join(
      clients,
      session,
      { channel: parsed.channel, user, wishes, subscription },
      (result, missed) => {
        const frames = missed.map((publication) => encodePublicationPush(action.channel, publication));
        const subscribed = encodeSubscribePush(action.channel, JSON.stringify(result));
        clients.send(session, [subscribed, ...frames].join("\n"));
      },
      data,
    );
    done = outcome === "joined";
    if (done) clients.announce("join", session, action.channel);
  });
  return done;
}

function refresh(clients: Clients, action: ActionOf<"refresh">): number {
  const meant = sessionsOf(clients, action);
  for (const session of meant) {
    if (action.expired) {
      clients.disconnect(session, "expired");
      continue;
    }
    const { attachment } = session;
    if (attachment.state !== "open") continue;
    const { expiresAt: _old, ...rest } = attachment;
    clients.sessions.remember(session, {
      ...rest,
      ...(action.expiresAt === null ? {} : { expiresAt: action.expiresAt }),
      ...(action.info === undefined ? {} : { connInfo: action.info }),
    });
  }
  return meant.length;
}
