import { Centrifuge, UnauthorizedError, type Subscription } from "centrifuge";
import { LIVE_CHANNEL, type LiveEvent } from "../../contracts/live.ts";
import { admin, ApiError, type WatchTokens } from "./api.ts";
import { endpoint, watchedSocket } from "./socket.ts";
import { access, development, hear, link, note, refresh } from "./store.ts";

/** The page's own connection: a stock client like any other, that may be moved or crashed like any other. */

let client: Centrifuge | undefined;

/** Tokens to watch these channels with. A key that is refused ends the connection instead of trying for ever. */
export async function watchTokens(channels: readonly string[]): Promise<WatchTokens> {
  try {
    return await admin<WatchTokens>("POST", "/live", { channels });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) throw new UnauthorizedError(error.message);
    throw error;
  }
}

/** Signs in with the present key. Throws `ApiError` where it is refused. */
export async function openLive(): Promise<void> {
  const tokens = await admin<WatchTokens>("POST", "/live", { channels: [] });
  access.value = tokens.access;
  development.value = tokens.development;
  await refresh();
  let shard: string | undefined;
  let wasOpen = false;
  const socket = watchedSocket({ onNode: (node) => (shard = node), onRefused: () => {} });
  client = new Centrifuge(endpoint(`console-${crypto.randomUUID().slice(0, 8)}`), {
    websocket: socket,
    token: tokens.connection,
    getToken: async () => (await watchTokens([])).connection,
    maxReconnectDelay: 4_000,
  });
  client.on("connected", () => {
    link.value = { state: "connected", ...(shard === undefined ? {} : { shard }) };
    // What happened meanwhile was said to nobody.
    if (wasOpen) void refresh();
    wasOpen = true;
  });
  client.on("connecting", ({ code, reason }) => {
    link.value = { state: "connecting" };
    if (code !== 0)
      note({ kind: "page", text: `this page's own connection was closed (${reason}); it comes back` });
  });
  client.on("disconnected", ({ reason }) => {
    link.value = { state: "closed" };
    if (reason !== "disconnect called") note({ kind: "page", text: `this page is cut off: ${reason}` });
  });
  const live = watch(LIVE_CHANNEL);
  live.on("publication", ({ data }) => hear(data as LiveEvent));
  live.subscribe();
  client.connect();
}

/** A subscription of the page's own connection, opened by a token of the operator's API. */
export function watch(channel: string): Subscription {
  if (client === undefined) throw new Error("nobody is signed in");
  return client.newSubscription(channel, {
    getToken: async () => (await watchTokens([channel])).tokens[channel] ?? "",
    joinLeave: channel !== LIVE_CHANNEL,
  });
}

export function unwatch(subscription: Subscription): void {
  client?.removeSubscription(subscription);
}

export function closeLive(): void {
  client?.disconnect();
  client = undefined;
}
