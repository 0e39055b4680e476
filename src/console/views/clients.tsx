import { useSignal } from "@preact/signals";
import { messageOf } from "../data/change.ts";
import {
  arrivalNow,
  countersNow,
  FLEET_MAX,
  fleetTotals,
  ORDERS,
  orderAll,
  selected,
  sims,
  start,
  starting,
  type Order,
} from "../data/fleet.ts";
import { beat } from "../data/store.ts";
import { count, milliseconds, plural } from "../model/format.ts";
import type { SimClient } from "../model/sim-client.ts";
import { FleetGrid } from "./fleet-grid.tsx";
import { Field, Panel, readOnly, ShardName, Stat } from "./parts.tsx";

export function Clients() {
  return (
    <Panel
      name="clients"
      title="Simulated clients"
      aside={<span class="hint">stock SDKs, each on a socket of its own, in this page</span>}
    >
      <StartForm />
      {sims.value.length === 0 ? (
        <p class="empty">
          Nobody is here. Start some clients, then add a shard and watch who moves: the dry run says how many.
        </p>
      ) : (
        <>
          <FleetStats />
          <FleetGrid />
          <Selected />
          <AllOrders />
        </>
      )}
    </Panel>
  );
}

function StartForm() {
  const number = useSignal(100);
  const prefix = useSignal("sim");
  const channel = useSignal("lobby");
  const problem = useSignal<string | undefined>(undefined);
  const room = FLEET_MAX - sims.value.length;
  const full =
    room <= 0 ? { disabled: true, title: `This page plays at most ${FLEET_MAX} clients.` } : readOnly();
  return (
    <form
      class="fields"
      onSubmit={(event) => {
        event.preventDefault();
        problem.value = undefined;
        start(number.value, { prefix: prefix.value, channel: channel.value }).catch(
          (error: unknown) => (problem.value = messageOf(error)),
        );
      }}
    >
      <Field label={`How many, to ${FLEET_MAX}`} class="narrow">
        <input
          type="number"
          min={1}
          max={FLEET_MAX}
          required
          value={number.value}
          onInput={(event) => {
            const { valueAsNumber } = event.currentTarget;
            if (Number.isInteger(valueAsNumber)) number.value = valueAsNumber;
          }}
        />
      </Field>
      <Field label="Keys begin with" class="narrow">
        <input
          type="text"
          required
          maxLength={64}
          value={prefix.value}
          onInput={(event) => (prefix.value = event.currentTarget.value)}
        />
      </Field>
      <Field label="Channel" class="narrow">
        <input
          type="text"
          required
          maxLength={255}
          value={channel.value}
          onInput={(event) => (channel.value = event.currentTarget.value)}
        />
      </Field>
      <button type="submit" class="primary" {...full} {...(starting.value ? { disabled: true } : {})}>
        {starting.value ? "Starting …" : "Start clients"}
      </button>
      {problem.value !== undefined && (
        <p class="notice bad" role="alert">
          They were not started: {problem.value}.
        </p>
      )}
    </form>
  );
}

function FleetStats() {
  void beat.value;
  const totals = fleetTotals();
  const { received, gaps, repeats } = countersNow();
  const { byState } = totals;
  const arrival = arrivalNow();
  const idle = byState.stopped + byState.ended;
  return (
    <>
      <dl class="stats" data-testid="fleet">
        <Stat label="Connected" value={`${byState.connected + byState.paused} of ${totals.all}`} />
        {byState.connecting > 0 && <Stat label="Away" value={count(byState.connecting)} tone="warn" />}
        {byState.paused > 0 && <Stat label="Paused" value={count(byState.paused)} />}
        {idle > 0 && <Stat label="Stopped" value={count(idle)} />}
        <Stat label="Moves" value={count(totals.moves)} />
        <Stat label="Losses" value={count(totals.losses)} />
        <Stat
          label="Outage p50, longest"
          title="As this page sees it: a browser holds back sockets that come back in numbers"
          value={
            totals.outage === undefined
              ? "–"
              : `${milliseconds(totals.outage.p50Ms)}, ${milliseconds(totals.outage.maxMs)}`
          }
        />
        <Stat label="Received" value={count(received)} />
        {arrival !== undefined && (
          <Stat
            label="Arrival p50, p99"
            title="From publishing in this page to the arrival at its clients"
            value={`${milliseconds(arrival.p50Ms)}, ${milliseconds(arrival.p99Ms)}`}
          />
        )}
        <Stat
          label="Missed, twice"
          title="Publications that never came to a client that stayed or resumed, and ones that came again"
          value={`${count(gaps)}, ${count(repeats)}`}
          tone={gaps + repeats > 0 ? "bad" : ""}
        />
      </dl>
      {totals.refused > 0 && (
        <p class="notice warn" role="alert">
          {plural(totals.refused, "client")} cannot open a socket. A browser allows about 255 to one host,
          Firefox 200 in all, over all its tabs; or the cluster refuses them. They go on trying.
        </p>
      )}
    </>
  );
}

function Selected() {
  void beat.value;
  const sim = sims.value.find(({ view }) => view.value.key === selected.value);
  if (sim === undefined) return <p class="hint">Choose a client to see its story, and to stop it.</p>;
  const { key, state, shard, moves, losses, lastOutageMs } = sim.view.value;
  return (
    <div class="selected" data-testid="selected">
      <p>
        <b class="mono">{key}</b> is {state} on <ShardName shard={shard} /> and listens to{" "}
        <span class="mono">{sim.channel}</span>. {plural(moves, "move")}, {plural(losses, "loss", "losses")}
        {lastOutageMs !== undefined && `, last away for ${milliseconds(lastOutageMs)}`}; {count(sim.received)}{" "}
        received.
      </p>
      <div class="buttons">
        {ordersFor(state).map((order) => (
          <button key={order} type="button" class="small" onClick={() => ORDERS[order](sim)}>
            {LABELS[order]}
          </button>
        ))}
      </div>
    </div>
  );
}

const LABELS: Record<Order, string> = {
  pause: "Pause",
  resume: "Resume",
  disconnect: "Disconnect",
  connect: "Connect",
  remove: "Remove",
};

function ordersFor(state: SimClient["state"]): readonly Order[] {
  if (state === "stopped" || state === "ended") return ["connect", "remove"];
  return [state === "paused" ? "resume" : "pause", "disconnect", "remove"];
}

function AllOrders() {
  return (
    <div class="buttons" role="group" aria-label="All simulated clients">
      <span class="hint">All:</span>
      {(Object.keys(LABELS) as Order[]).map((order) => (
        <button key={order} type="button" class="small" onClick={() => orderAll(order)}>
          {LABELS[order]}
          <span class="hidden"> all clients</span>
        </button>
      ))}
    </div>
  );
}
