/** The facts that the page shows of one simulated client. Times are ms of one monotonic clock. */
export type SimClientView = {
  readonly key: string;
  readonly state: SimClientState;
  /** The shard of the last connection; undefined before the first. */
  readonly shard: string | undefined;
  /** How often the cluster has closed the connection because the ring has changed (4001). */
  readonly moves: number;
  /** How often the connection was lost for any other reason, such as a crash. */
  readonly losses: number;
  /** When the connection was lost; undefined while the client is connected or stopped. */
  readonly awaySince: number | undefined;
  readonly lastOutageMs: number | undefined;
  /** Sockets that closed before they opened, since the last connection. */
  readonly refusals: number;
};

/**
 * `paused`: connected, without a subscription. `stopped`: the operator has closed the connection, until the operator
 * connects it again. `ended`: the cluster has closed the connection for good.
 */
export type SimClientState = "connecting" | "connected" | "paused" | "stopped" | "ended";

export type SimClientEvent =
  | { readonly kind: "connecting"; readonly code: number }
  | { readonly kind: "connected"; readonly shard: string | undefined }
  | { readonly kind: "disconnected"; readonly byHand: boolean }
  | { readonly kind: "refused" }
  | { readonly kind: "paused" | "resumed" };

/** The code of the SDK for a client's first connect. */
export const FIRST_CONNECT = 0;
/** The cluster's close code for a session that another shard owns now. */
export const MOVED = 4001;

export const newSimClientView = (key: string): SimClientView => ({
  key,
  state: "connecting",
  shard: undefined,
  moves: 0,
  losses: 0,
  awaySince: undefined,
  lastOutageMs: undefined,
  refusals: 0,
});

/** `paused`: the operator has paused the client, so that it is paused again after it has reconnected. */
export function stepSimClientView(
  view: SimClientView,
  event: SimClientEvent,
  { now, paused }: { readonly now: number; readonly paused: boolean },
): SimClientView {
  switch (event.kind) {
    case "connecting": {
      if (event.code === FIRST_CONNECT) return { ...view, state: "connecting", awaySince: undefined };
      const moved = event.code === MOVED;
      return {
        ...view,
        state: "connecting",
        moves: view.moves + (moved ? 1 : 0),
        losses: view.losses + (moved ? 0 : 1),
        awaySince: now,
      };
    }
    case "connected": {
      const { awaySince } = view;
      return {
        ...view,
        state: paused ? "paused" : "connected",
        shard: event.shard ?? view.shard,
        awaySince: undefined,
        lastOutageMs: awaySince === undefined ? view.lastOutageMs : now - awaySince,
        refusals: 0,
      };
    }
    case "disconnected":
      return { ...view, state: event.byHand ? "stopped" : "ended", awaySince: undefined };
    case "refused":
      return { ...view, refusals: view.refusals + 1 };
    case "paused":
      return view.state === "connected" ? { ...view, state: "paused" } : view;
    case "resumed":
      return view.state === "paused" ? { ...view, state: "connected" } : view;
  }
}

/** A client counts as refused after this many refusals in a row: a single one also happens in a crash. */
const REFUSED_AFTER = 2;

export type SimClientTotals = {
  readonly all: number;
  readonly byState: Readonly<Record<SimClientState, number>>;
  readonly moves: number;
  readonly losses: number;
  /** Clients that cannot open a socket. */
  readonly refused: number;
  /** Over the last outage of each client that had one. */
  readonly outage: { readonly p50Ms: number; readonly maxMs: number } | undefined;
};

export function totalsOf(clients: Iterable<SimClientView>): SimClientTotals {
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
    if (client.state === "connecting" && client.refusals >= REFUSED_AFTER) refused += 1;
    if (client.lastOutageMs !== undefined) outages.push(client.lastOutageMs);
  }
  outages.sort((a, b) => a - b);
  const maxMs = outages.at(-1);
  const outage = maxMs === undefined ? undefined : { p50Ms: outages[outages.length >> 1] ?? maxMs, maxMs };
  return { all, byState, moves, losses, refused, outage };
}
