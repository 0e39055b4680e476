import { signal } from "@preact/signals";
import type { ClientInfo, PublicationContext, Subscription } from "centrifuge";
import { addEvents, addHistory, formatData, type ChannelEvent } from "../model/channel-events.ts";
import { refusalText } from "../model/refusal-text.ts";
import { callServerApi, messageOf } from "./api.ts";
import { newSubscription, removeSubscription } from "./live.ts";

/** The one channel that the page watches. */

export type PresentClient = { readonly client: string; readonly user: string };

export const watchedChannel = signal<string | undefined>(undefined);
export const subscriptionState = signal("");
export const channelEvents = signal<readonly ChannelEvent[]>([]);
export const presence = signal<readonly PresentClient[]>([]);
export const channelProblem = signal<string | undefined>(undefined);

/** The list is repainted at most this often, also for a busy channel. */
const PAINT_INTERVAL_MS = 150;
const HISTORY_LIMIT = 50;

let subscription: Subscription | undefined;
let unpainted: ChannelEvent[] = [];
let paintIsDue = false;

export function watchChannel(channel: string): void {
  unwatchChannel();
  channelEvents.value = [];
  presence.value = [];
  channelProblem.value = undefined;
  watchedChannel.value = channel;
  let fresh: Subscription;
  try {
    fresh = newSubscription(channel);
  } catch (error) {
    // The page's own feed, or a name such as "constructor", which the SDK takes for a subscription that it has.
    channelProblem.value = `${channel} cannot be watched here: ${String(error)}.`;
    return;
  }
  subscription = fresh;
  fresh.on("state", ({ newState }) => (subscriptionState.value = newState));
  fresh.on("error", ({ error }) => (channelProblem.value = refusalText(channel, error)));
  fresh.on("unsubscribed", ({ code, reason }) => {
    // Code 0: this page has left the channel.
    if (code !== 0) channelProblem.value = refusalText(channel, { code, message: reason });
  });
  fresh.on("subscribed", () => {
    channelProblem.value = undefined;
    void loadPresence(channel);
  });
  fresh.on("publication", (publication) => addEvent({ ...eventOf(publication), at: Date.now() }));
  fresh.on("join", ({ info }) => addEvent({ kind: "join", name: nameOf(info), at: Date.now() }));
  fresh.on("leave", ({ info }) => addEvent({ kind: "leave", name: nameOf(info), at: Date.now() }));
  fresh.subscribe();
}

export function unwatchChannel(): void {
  if (subscription !== undefined) removeSubscription(subscription);
  subscription = undefined;
  unpainted = [];
  watchedChannel.value = undefined;
  channelProblem.value = undefined;
  subscriptionState.value = "";
}

export async function loadHistory(channel: string): Promise<void> {
  await showProblem(channel, async () => {
    const { publications } = await callServerApi<{ publications: readonly HistoryEntry[] }>("history", {
      channel,
      limit: HISTORY_LIMIT,
      reverse: true,
    });
    if (watchedChannel.value === channel)
      channelEvents.value = addHistory(channelEvents.value, publications.map(eventOf));
  });
}

export async function loadPresence(channel: string): Promise<void> {
  await showProblem(channel, async () => {
    const answer = await callServerApi<{ presence: Record<string, ClientInfo> }>("presence", { channel });
    if (watchedChannel.value === channel)
      presence.value = Object.values(answer.presence).map(({ client, user }) => ({ client, user }));
  });
}

/** Shows the problem of a load that fails while the page still watches this channel. */
async function showProblem(channel: string, load: () => Promise<void>): Promise<void> {
  try {
    await load();
  } catch (error) {
    if (watchedChannel.value === channel) channelProblem.value = messageOf(error);
  }
}

type HistoryEntry = Pick<PublicationContext, "data" | "offset" | "info">;

const eventOf = ({ data, offset, info }: HistoryEntry): ChannelEvent & { readonly kind: "publication" } => ({
  kind: "publication",
  offset,
  data: formatData(data),
  from: info === undefined ? "" : nameOf(info),
  at: undefined,
});

/** The user's id; for an anonymous user the beginning of the client's id. */
export const nameOf = ({ user, client }: PresentClient): string => (user === "" ? client.slice(0, 8) : user);

function addEvent(event: ChannelEvent): void {
  unpainted.unshift(event);
  if (paintIsDue) return;
  paintIsDue = true;
  setTimeout(() => {
    paintIsDue = false;
    const fresh = unpainted;
    unpainted = [];
    if (watchedChannel.value !== undefined) channelEvents.value = addEvents(channelEvents.value, fresh);
  }, PAINT_INTERVAL_MS);
}
