import { signal, type Signal } from "@preact/signals";
import {
  newSimClientView,
  stepSimClientView,
  totalsOf,
  type SimClientEvent,
  type SimClientView,
} from "../model/sim-client-view.ts";
import { callAdminApi } from "./api.ts";
import { linkCentrifuge } from "./sim-centrifuge.ts";
import { countReceived, resetCounters, type ReceiveState } from "./sim-counters.ts";
import { socketioPath } from "./store.ts";
import type { SimKind, SimLink, SimLinkParts } from "./sim-link.ts";

/** The simulated clients of this page: stock SDKs, each with its own socket. */

export const MAX_SIM_CLIENTS = 200;
/** Starts are spread over time: a browser opens few sockets at once, and a shard limits its upgrades per second. */
const START_INTERVAL_MS = 8;

export type SimClient = ReceiveState & {
  readonly view: Signal<SimClientView>;
  readonly kind: SimKind;
  readonly link: SimLink;
  /** The channel or the room. */
  readonly target: string;
  paused: boolean;
};

export type StartOptions = { readonly kind: SimKind; readonly prefix: string; readonly target: string };

export const simClients = signal<readonly SimClient[]>([]);
/** The key of the selected client. */
export const selectedKey = signal<string | undefined>(undefined);
export const starting = signal(false);

export const simClientTotals = () => totalsOf(simClients.value.map(({ view }) => view.value));

/** Starts `count` more clients, up to the page's limit. Throws `ApiError` where the API key does not permit it. */
export async function startClients(count: number, options: StartOptions): Promise<void> {
  const keys = freeKeys(count, options.prefix);
  if (keys.length === 0) return;
  starting.value = true;
  try {
    const [tokens, link] = await Promise.all([clientTokens(keys), linkOf(options.kind)]);
    const fresh = keys.map((key) => createClient({ key, token: tokens[key] ?? "" }, { ...options, link }));
    simClients.value = [...simClients.value, ...fresh];
    for (const client of fresh) {
      if (isWaiting(client)) client.link.connect();
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
  const { link, view } = client;
  return link.isStopped() && simClients.value.includes(client) && view.peek().state === "connecting";
}

type MakeLink = (parts: SimLinkParts) => SimLink;

/** The page loads the SDK of Socket.IO for its first client. */
async function linkOf(kind: SimKind): Promise<MakeLink> {
  if (kind === "centrifuge") return linkCentrifuge;
  return (await import("./sim-socketio.ts")).linkSocketIo;
}

function createClient(
  { key, token }: { readonly key: string; readonly token: string },
  { kind, target, link }: StartOptions & { readonly link: MakeLink },
): SimClient {
  const view = signal(newSimClientView(key));
  const client: SimClient = {
    view,
    kind,
    link: link({
      key,
      token,
      target,
      path: socketioPath.value,
      newToken: async () => (await clientTokens([key]))[key] ?? "",
      step: (event) => step(client, event),
      receive: (received) => countReceived(client, received),
      restart: (offset) => (client.lastOffset = offset),
    }),
    target,
    paused: false,
    received: 0,
    lastOffset: undefined,
  };
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
    client.link.pause();
    step(client, { kind: "paused" });
  },
  resume(client: SimClient) {
    if (!client.paused) return;
    client.paused = false;
    client.lastOffset = undefined;
    client.link.resume();
    step(client, { kind: "resumed" });
  },
  disconnect(client: SimClient) {
    client.link.disconnect();
  },
  connect(client: SimClient) {
    client.link.connect();
  },
  remove(client: SimClient) {
    simClients.value = simClients.value.filter((one) => one !== client);
    if (selectedKey.peek() === client.view.peek().key) selectedKey.value = undefined;
    client.link.disconnect();
  },
} as const satisfies Record<string, (client: SimClient) => void>;

export type ClientAction = keyof typeof CLIENT_ACTIONS;

export function applyToAll(action: ClientAction): void {
  const all = simClients.value;
  if (action === "remove") {
    simClients.value = [];
    selectedKey.value = undefined;
    resetCounters();
    for (const { link } of all) link.disconnect();
    return;
  }
  for (const client of all) CLIENT_ACTIONS[action](client);
}
