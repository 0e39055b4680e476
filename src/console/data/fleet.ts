import { signal, type Signal } from "@preact/signals";
import { Centrifuge, type Subscription } from "centrifuge";
import { newSimClient, stepSimClient, totalsOf, type SimClient, type SimEvent } from "../model/sim-client.ts";
import { admin } from "./api.ts";
import { endpoint, watchedSocket } from "./socket.ts";

/** The clients that this page plays: stock SDKs on sockets of their own. */

export const FLEET_MAX = 200;
/** A browser opens a handful of sockets at a time anyway, and each shard takes so many upgrades a second. */
const START_EACH_MS = 8;
/** The last so many, for the percentiles. */
const ARRIVALS = 2_000;

export type Sim = {
  readonly view: Signal<SimClient>;
  readonly client: Centrifuge;
  readonly subscription: Subscription;
  readonly channel: string;
  paused: boolean;
  /** Counted outside of signals: thousands of publications a second may not repaint anything each. */
  received: number;
  lastOffset: number | undefined;
};

export const sims = signal<readonly Sim[]>([]);
export const selected = signal<string | undefined>(undefined);
export const starting = signal(false);

const counters = { received: 0, gaps: 0, repeats: 0 };
const arrivals: number[] = [];
let arrived = 0;

/** What all clients have received, and in what order, since the page began with none. */
export const countersNow = (): Readonly<typeof counters> => ({ ...counters });

/** How old the last publications were when they arrived here, by the stamp that this page puts on its own. */
export function arrivalNow(): { readonly p50Ms: number; readonly p99Ms: number } | undefined {
  if (arrivals.length === 0) return undefined;
  const sorted = arrivals.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

export const fleetTotals = () => totalsOf(sims.value.map(({ view }) => view.value));

/** Starts so many more; throws `ApiError` where the key may not. */
export async function start(
  count: number,
  options: { readonly prefix: string; readonly channel: string },
): Promise<void> {
  const taken = new Set(sims.value.map(({ view }) => view.peek().key));
  const keys: string[] = [];
  for (let n = 1; keys.length < Math.min(count, FLEET_MAX - taken.size); n++) {
    const key = `${options.prefix}-${n}`;
    if (!taken.has(key)) keys.push(key);
  }
  if (keys.length === 0) return;
  starting.value = true;
  try {
    const { tokens } = await admin<{ tokens: Record<string, string> }>("POST", "/clients", { users: keys });
    const fresh = keys.map((key) => create(key, tokens[key] ?? "", options.channel));
    sims.value = [...sims.value, ...fresh];
    for (const { client } of fresh) {
      // Stopped or removed before its turn.
      if (
        client.state === "disconnected" &&
        sims.value.some((sim) => sim.client === client && isWaiting(sim))
      )
        client.connect();
      await new Promise((resolve) => setTimeout(resolve, START_EACH_MS));
    }
  } finally {
    starting.value = false;
  }
}

const isWaiting = ({ view }: Sim): boolean => view.peek().state === "connecting";

function create(key: string, token: string, channel: string): Sim {
  const view = signal(newSimClient(key));
  let shard: string | undefined;
  const step = (event: SimEvent): void => {
    view.value = stepSimClient(view.peek(), event, performance.now(), sim.paused);
  };
  const client = new Centrifuge(endpoint(key), {
    websocket: watchedSocket({
      onNode: (node) => (shard = node),
      onRefused: () => step({ kind: "refused" }),
    }),
    token,
    // Two hundred that come at once wait for each other.
    timeout: 15_000,
    getToken: async () => {
      const answer = await admin<{ tokens: Record<string, string> }>("POST", "/clients", { users: [key] });
      return answer.tokens[key] ?? "";
    },
  });
  const subscription = client.newSubscription(channel);
  const sim: Sim = { view, client, subscription, channel, paused: false, received: 0, lastOffset: undefined };
  client.on("connecting", ({ code }) => step({ kind: "connecting", code }));
  client.on("connected", () => step({ kind: "connected", shard }));
  client.on("disconnected", ({ code }) => step({ kind: "disconnected", byHand: code === 0 }));
  subscription.on("subscribed", ({ streamPosition, wasRecovering, recovered }) => {
    // What was recovered follows as publications; any other subscribe begins after the channel's newest.
    if (wasRecovering && recovered) return;
    sim.lastOffset = streamPosition?.offset;
  });
  subscription.on("publication", ({ offset, data }) => receive(sim, offset, data));
  // Broadcasts come as publications of the server's own subscription.
  client.on("publication", ({ data }) => receive(sim, undefined, data));
  client.on("message", ({ data }) => receive(sim, undefined, data));
  subscription.subscribe();
  return sim;
}

function receive(sim: Sim, offset: number | undefined, data: unknown): void {
  sim.received += 1;
  counters.received += 1;
  if (offset !== undefined) {
    const last = sim.lastOffset;
    if (last !== undefined && offset <= last) counters.repeats += 1;
    else if (last !== undefined && offset > last + 1) counters.gaps += offset - last - 1;
    sim.lastOffset = Math.max(offset, last ?? 0);
  }
  if (typeof data !== "object" || data === null || !("sentAt" in data)) return;
  if (typeof data.sentAt !== "number") return;
  arrivals[arrived % ARRIVALS] = Math.max(0, Date.now() - data.sentAt);
  arrived += 1;
}

/** What can be done to one client, or to all. A client that was stopped stays stopped until it is connected by hand. */
export const ORDERS = {
  pause(sim: Sim) {
    if (sim.paused) return;
    sim.paused = true;
    sim.subscription.unsubscribe();
    apply(sim, { kind: "paused" });
  },
  resume(sim: Sim) {
    if (!sim.paused) return;
    sim.paused = false;
    sim.lastOffset = undefined;
    sim.subscription.subscribe();
    apply(sim, { kind: "resumed" });
  },
  disconnect(sim: Sim) {
    // One whose turn to connect has not come yet has no event of its own.
    if (sim.client.state === "disconnected") apply(sim, { kind: "disconnected", byHand: true });
    sim.client.disconnect();
  },
  connect(sim: Sim) {
    sim.client.connect();
  },
  remove(sim: Sim) {
    sims.value = sims.value.filter((one) => one !== sim);
    if (selected.peek() === sim.view.peek().key) selected.value = undefined;
    sim.client.disconnect();
  },
} as const satisfies Record<string, (sim: Sim) => void>;

function apply(sim: Sim, event: SimEvent): void {
  sim.view.value = stepSimClient(sim.view.peek(), event, performance.now(), sim.paused);
}

export type Order = keyof typeof ORDERS;

export function orderAll(order: Order): void {
  const all = sims.value;
  if (order === "remove") {
    sims.value = [];
    selected.value = undefined;
    Object.assign(counters, { received: 0, gaps: 0, repeats: 0 });
    arrivals.length = 0;
    arrived = 0;
    for (const { client } of all) client.disconnect();
    return;
  }
  for (const sim of all) ORDERS[order](sim);
}
