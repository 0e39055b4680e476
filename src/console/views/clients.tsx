import {
  applyToAll,
  CLIENT_ACTIONS,
  selectedKey,
  simClients,
  type ClientAction,
} from "../data/sim-clients.ts";
import { tick } from "../data/pulses.ts";
import { count, milliseconds, plural } from "../model/format.ts";
import type { SimClientState } from "../model/sim-client-view.ts";
import { ClientGrid } from "./client-grid.tsx";
import { ClientTotals } from "./client-totals.tsx";
import { Panel, ShardName } from "./parts.tsx";
import { StartClients } from "./start-clients.tsx";

export function Clients() {
  return (
    <Panel
      name="clients"
      title="Simulated clients"
      aside={<span class="hint">stock SDKs in this page, each with its own socket</span>}
    >
      <StartClients />
      {simClients.value.length === 0 ? (
        <p class="empty">
          No simulated clients yet. Start some, then add a shard and watch which clients move. The dry run
          predicts how many.
        </p>
      ) : (
        <>
          <ClientTotals />
          <ClientGrid />
          <SelectedClient />
          <AllClients />
        </>
      )}
    </Panel>
  );
}

function SelectedClient() {
  // The count of received messages is no signal: it is read at each tick.
  void tick.value;
  const client = simClients.value.find(({ view }) => view.value.key === selectedKey.value);
  if (client === undefined)
    return (
      <p class="hint">
        Select a client to see its moves and lost connections, and to pause or disconnect it.
      </p>
    );
  const { key, state, shard, moves, losses, lastOutageMs } = client.view.value;
  return (
    <div class="selected" data-testid="selected">
      <p>
        <b class="mono">{key}</b>, {KINDS[client.kind].name}, is {state} on <ShardName shard={shard} /> and{" "}
        {KINDS[client.kind].verb} <span class="mono">{client.target}</span>. {plural(moves, "move")},{" "}
        {plural(losses, "lost connection")}
        {lastOutageMs !== undefined && `, last outage ${milliseconds(lastOutageMs)}`};{" "}
        {count(client.received)} received.
      </p>
      <div class="buttons">
        {actionsFor(state).map((action) => (
          <button key={action} type="button" class="small" onClick={() => CLIENT_ACTIONS[action](client)}>
            {ACTION_LABELS[action]}
          </button>
        ))}
      </div>
    </div>
  );
}

const ACTION_LABELS: Record<ClientAction, string> = {
  pause: "Pause",
  resume: "Resume",
  disconnect: "Disconnect",
  connect: "Connect",
  remove: "Remove",
};

const KINDS = {
  centrifuge: { name: "a Centrifuge client", verb: "subscribes to" },
  socketio: { name: "a Socket.IO client", verb: "asks for the room" },
} as const;

function actionsFor(state: SimClientState): readonly ClientAction[] {
  if (state === "stopped" || state === "ended") return ["connect", "remove"];
  return [state === "paused" ? "resume" : "pause", "disconnect", "remove"];
}

function AllClients() {
  return (
    <div class="buttons" role="group" aria-label="All simulated clients">
      <span class="hint">All:</span>
      {(Object.keys(ACTION_LABELS) as ClientAction[]).map((action) => (
        <button key={action} type="button" class="small" onClick={() => applyToAll(action)}>
          {ACTION_LABELS[action]}
          <span class="hidden"> all clients</span>
        </button>
      ))}
    </div>
  );
}
