/** What the page knows of one simulated client. Times are ms of one clock that never goes back. */
export type SimClient = {
  readonly key: string;
  readonly state: SimState;
  /** The shard that took its last connection; undefined before the first. */
  readonly shard: string | undefined;
  /** Closed by the cluster because the ring has changed (4001), and came back. */
  readonly moves: number;
  /** Lost for any other reason, such as a crash. */
  readonly losses: number;
  /** When it was last lost; undefined while it is connected, or was stopped. */
  readonly awaySince: number | undefined;
  readonly lastOutageMs: number | undefined;
  /** Sockets that closed before they opened, since it was last connected. */
  readonly refusals: number;
};

/** `paused`: connected, and hears nothing. `stopped`: closed by hand, and stays so. `ended`: by the cluster, for good. */
export type SimState = "connecting" | "connected" | "paused" | "stopped" | "ended";

export type SimEvent =
  | { readonly kind: "connecting"; readonly code: number }
  | { readonly kind: "connected"; readonly shard: string | undefined }
  | { readonly kind: "disconnected"; readonly byHand: boolean }
  | { readonly kind: "refused" }
  | { readonly kind: "paused" | "resumed" };

const MOVED = 4001;

export const newSimClient = (key: string): SimClient => ({
  key,
  state: "connecting",
  shard: undefined,
  moves: 0,
  losses: 0,
  awaySince: undefined,
  lastOutageMs: undefined,
  refusals: 0,
});

export function stepSimClient(client: SimClient, event: SimEvent, now: number, paused: boolean): SimClient {
  switch (event.kind) {
    case "connecting": {
      // Code 0 is the client's own first connect.
      if (event.code === 0) return { ...client, state: "connecting", awaySince: undefined };
      const moved = event.code === MOVED;
      return {
        ...client,
        state: "connecting",
        moves: client.moves + (moved ? 1 : 0),
        losses: client.losses + (moved ? 0 : 1),
        awaySince: now,
      };
    }
    case "connected": {
      const away = client.awaySince;
      return {
        ...client,
        state: paused ? "paused" : "connected",
        shard: event.shard ?? client.shard,
        awaySince: undefined,
        lastOutageMs: away === undefined ? client.lastOutageMs : now - away,
        refusals: 0,
      };
    }
    case "disconnected":
      return { ...client, state: event.byHand ? "stopped" : "ended", awaySince: undefined };
    case "refused":
      return { ...client, refusals: client.refusals + 1 };
    case "paused":
      return client.state === "connected" ? { ...client, state: "paused" } : client;
    case "resumed":
      return client.state === "paused" ? { ...client, state: "connected" } : client;
  }
}

export type Totals = {
  readonly all: number;
  readonly byState: Readonly<Record<SimState, number>>;
  readonly moves: number;
  readonly losses: number;
  /** Clients that cannot open a socket: it closed twice before it opened. */
  readonly refused: number;
  /** The last outage of each client that had one. */
  readonly outage: { readonly p50Ms: number; readonly maxMs: number } | undefined;
};

export function totalsOf(clients: Iterable<SimClient>): Totals {
  const byState = { connecting: 0, connected: 0, paused: 0, stopped: 0, ended: 0 };
  let all = 0;
  let moves = 0;
  let losses = 0;
  let refused = 0;
  const outages: number[] = [];
  for (const client of clients) {
    all += 1;
    byState[client.state] += 1;
    moves += client.moves;
    losses += client.losses;
    if (client.state === "connecting" && client.refusals >= 2) refused += 1;
    if (client.lastOutageMs !== undefined) outages.push(client.lastOutageMs);
  }
  outages.sort((a, b) => a - b);
  const maxMs = outages.at(-1);
  const outage = maxMs === undefined ? undefined : { p50Ms: outages[outages.length >> 1] ?? maxMs, maxMs };
  return { all, byState, moves, losses, refused, outage };
}
