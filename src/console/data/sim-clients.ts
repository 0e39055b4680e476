import { signal, type Signal } from "@preact/signals";
import { Centrifuge, type Subscription } from "centrifuge";
import {
  newSimClientView,
  stepSimClientView,
  totalsOf,
  type SimClientEvent,
  type SimClientView,
} from "../model/sim-client-view.ts";
import { callAdminApi } from "./api.ts";
import { countReceived, resetCounters, type ReceiveState } from "./sim-counters.ts";
import { endpoint, observedWebSocket } from "./socket.ts";

/** The simulated clients of this page: stock SDKs, each with its own socket. */

export const MAX_SIM_CLIENTS = 200;
/** Starts are spread over time: a browser opens few sockets at once, and a shard limits its upgrades per second. */
const START_INTERVAL_MS = 8;
/** Longer than the SDK's default: 200 clients that connect at once wait for each other. */
const CONNECT_TIMEOUT_MS = 15_000;

export type SimClient = ReceiveState & {
  readonly view: Signal<SimClientView>;
  readonly sdk: Centrifuge;
  readonly subscription: Subscription;
  readonly channel: string;
  paused: boolean;
};

export const simClients = signal<readonly SimClient[]>([]);
/** The key of the selected client. */
export const selectedKey = signal<string | undefined>(undefined);
export const starting = signal(false);

export const simClientTotals = () => totalsOf(simClients.value.map(({ view }) => view.value));

/** Starts `count` more clients, up to the page's limit. Throws `ApiError` where the API key does not permit it. */
export async function startClients(
  count: number,
  options: { readonly prefix: string; readonly channel: string },
): Promise<void> {
  const keys = freeKeys(count, options.prefix);
  if (keys.length === 0) return;
  starting.value = true;
  try {
    const tokens = await clientTokens(keys);
    const fresh = keys.map((key) => createClient(key, tokens[key] ?? "", options.channel));
    simClients.value = [...simClients.value, ...fresh];
    for (const client of fresh) {
      if (isWaiting(client)) client.sdk.connect();
      await new Promise((resolve) => setTimeout(resolve, START_INTERVAL_MS));
    }
  } finally {
    starting.value = false;
  }
}

function freeKeys(count: number, prefix: string): string[] {
  const taken = new Set(simClients.value.map(({ view }) => view.peek().key));
  const keys: string[] = [];
  for (let n = 1; keys.length < Math.min(count, MAX_SIM_CLIENTS - taken.size); n++) {
    const key = `${prefix}-${n}`;
    if (!taken.has(key)) keys.push(key);
  }
  return keys;
}

async function clientTokens(users: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const answer = await callAdminApi<{ tokens: Record<string, string> }>("POST", "/clients", { users });
  return answer.tokens;
}

/** False where the operator has connected, stopped or removed the client before its turn. */
function isWaiting(client: SimClient): boolean {
  const { sdk, view } = client;
  return (
    sdk.state === "disconnected" && simClients.value.includes(client) && view.peek().state === "connecting"
  );
}

function createClient(key: string, token: string, channel: string): SimClient {
  let shard: string | undefined;
  const sdk = new Centrifuge(endpoint(key), {
    websocket: observedWebSocket({
      onNode: (node) => (shard = node),
      onRefused: () => step(client, { kind: "refused" }),
    }),
    token,
    timeout: CONNECT_TIMEOUT_MS,
    getToken: async () => (await clientTokens([key]))[key] ?? "",
  });
  const subscription = sdk.newSubscription(channel);
  const client: SimClient = {
    view: signal(newSimClientView(key)),
    sdk,
    subscription,
    channel,
    paused: false,
    received: 0,
    lastOffset: undefined,
  };
  sdk.on("connecting", ({ code }) => step(client, { kind: "connecting", code }));
  sdk.on("connected", () => step(client, { kind: "connected", shard }));
  sdk.on("disconnected", ({ code }) => step(client, { kind: "disconnected", byHand: code === 0 }));
  subscription.on("subscribed", ({ streamPosition, wasRecovering, recovered }) => {
    // Recovered publications follow one by one. Any other subscription starts after the channel's newest publication.
    if (wasRecovering && recovered) return;
    client.lastOffset = streamPosition?.offset;
  });
  subscription.on("publication", ({ offset, data }) => countReceived(client, { offset, data }));
  // A broadcast arrives as a publication of a server-side subscription, outside of `subscription`.
  sdk.on("publication", ({ data }) => countReceived(client, { data }));
  sdk.on("message", ({ data }) => countReceived(client, { data }));
  subscription.subscribe();
  return client;
}

function step({ view, paused }: SimClient, event: SimClientEvent): void {
  view.value = stepSimClientView(view.peek(), event, { now: performance.now(), paused });
}

/** The actions on one client, or on all. A stopped client stays stopped until the operator connects it. */
export const CLIENT_ACTIONS = {
  pause(client: SimClient) {
    if (client.paused) return;
    client.paused = true;
    client.subscription.unsubscribe();
    step(client, { kind: "paused" });
  },
  resume(client: SimClient) {
    if (!client.paused) return;
    client.paused = false;
    client.lastOffset = undefined;
    client.subscription.subscribe();
    step(client, { kind: "resumed" });
  },
  disconnect(client: SimClient) {
    // The SDK emits no event for a client that is disconnected already, such as one before its first connect.
    if (client.sdk.state === "disconnected") step(client, { kind: "disconnected", byHand: true });
    client.sdk.disconnect();
  },
  connect(client: SimClient) {
    client.sdk.connect();
  },
  remove(client: SimClient) {
    simClients.value = simClients.value.filter((one) => one !== client);
    if (selectedKey.peek() === client.view.peek().key) selectedKey.value = undefined;
    client.sdk.disconnect();
  },
} as const satisfies Record<string, (client: SimClient) => void>;

export type ClientAction = keyof typeof CLIENT_ACTIONS;

export function applyToAll(action: ClientAction): void {
  const all = simClients.value;
  if (action === "remove") {
    simClients.value = [];
    selectedKey.value = undefined;
    resetCounters();
    for (const { sdk } of all) sdk.disconnect();
    return;
  }
  for (const client of all) CLIENT_ACTIONS[action](client);
}
