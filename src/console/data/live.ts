import { Centrifuge, UnauthorizedError, type Subscription } from "centrifuge";
import { LIVE_CHANNEL, type LiveEvent } from "../../contracts/live.ts";
import { ApiError, callAdminApi, type WatchTokens } from "./api.ts";
import { endpoint, observedWebSocket } from "./socket.ts";
import {
  access,
  addIncident,
  connection,
  development,
  receiveLiveEvent,
  refresh,
  socketioPath,
} from "./store.ts";

/** The page's own connection: a stock client, which the cluster moves like any other client. */

/** A crash is over within seconds: the page reconnects sooner than the SDK's default of 20 s. */
const MAX_RECONNECT_DELAY_MS = 4_000;

let client: Centrifuge | undefined;

/** Tokens for a connection and these channels. Throws `UnauthorizedError` for an invalid key: the SDK stops retrying. */
async function watchTokens(channels: readonly string[]): Promise<WatchTokens> {
  try {
    return await callAdminApi<WatchTokens>("POST", "/live", { channels });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) throw new UnauthorizedError(error.message);
    throw error;
  }
}

/** Opens the connection with the present API key. Throws `ApiError` where the cluster refuses the key. */
export async function openLiveFeed(): Promise<void> {
  const tokens = await callAdminApi<WatchTokens>("POST", "/live", { channels: [] });
  access.value = tokens.access;
  development.value = tokens.development;
  socketioPath.value = tokens.socketioPath;
  await refresh();
  let shard: string | undefined;
  let connectedBefore = false;
  const websocket = observedWebSocket({ onNode: (node) => (shard = node), onRefused: () => {} });
  client = new Centrifuge(endpoint(`console-${crypto.randomUUID().slice(0, 8)}`), {
    websocket,
    token: tokens.connection,
    getToken: async () => (await watchTokens([])).connection,
    maxReconnectDelay: MAX_RECONNECT_DELAY_MS,
  });
  client.on("connected", () => {
    connection.value = { state: "connected", ...(shard === undefined ? {} : { shard }) };
    // The live feed has no history: the page has missed the events of the outage.
    if (connectedBefore) void refresh();
    connectedBefore = true;
  });
  client.on("connecting", ({ code, reason }) => {
    connection.value = { state: "connecting" };
    if (code !== 0)
      addIncident({ kind: "page", text: `this page has lost its connection (${reason}), and reconnects` });
  });
  client.on("disconnected", ({ reason }) => {
    connection.value = { state: "closed" };
    if (reason !== "disconnect called")
      addIncident({ kind: "page", text: `the connection of this page has ended: ${reason}` });
  });
  const subscription = newSubscription(LIVE_CHANNEL);
  subscription.on("publication", ({ data }) => receiveLiveEvent(data as LiveEvent));
  subscription.subscribe();
  client.connect();
}

/** A subscription of the page's own connection, with a token of the operator's API. The caller starts it. */
export function newSubscription(channel: string): Subscription {
  if (client === undefined) throw new Error("the live feed is not open");
  return client.newSubscription(channel, {
    getToken: async () => (await watchTokens([channel])).tokens[channel] ?? "",
    joinLeave: channel !== LIVE_CHANNEL,
  });
}

export function removeSubscription(subscription: Subscription): void {
  client?.removeSubscription(subscription);
}

export function closeLiveFeed(): void {
  client?.disconnect();
  client = undefined;
}
