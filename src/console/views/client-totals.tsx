import { tick } from "../data/pulses.ts";
import { simClientTotals } from "../data/sim-clients.ts";
import { arrivalPercentiles, readCounters } from "../data/sim-counters.ts";
import { count, milliseconds, plural } from "../model/format.ts";
import { Stat } from "./parts.tsx";

/** The numbers of all simulated clients together. */
export function ClientTotals() {
  // The counters are no signals: they are read at each tick.
  void tick.value;
  const { all, byState, moves, losses, outage, refused } = simClientTotals();
  const { received, gaps, repeats } = readCounters();
  const arrival = arrivalPercentiles();
  const stopped = byState.stopped + byState.ended;
  return (
    <>
      <dl class="stats" data-testid="fleet">
        <Stat label="Connected" value={`${byState.connected + byState.paused} of ${all}`} />
        {byState.connecting > 0 && <Stat label="Connecting" value={count(byState.connecting)} tone="warn" />}
        {byState.paused > 0 && <Stat label="Paused" value={count(byState.paused)} />}
        {stopped > 0 && <Stat label="Stopped" value={count(stopped)} />}
        <Stat label="Moves" value={count(moves)} />
        <Stat label="Lost connections" value={count(losses)} />
        <Stat
          label="Outage p50, longest"
          title="Measured in this page. A browser delays sockets when many connect at once."
          value={outage === undefined ? "–" : `${milliseconds(outage.p50Ms)}, ${milliseconds(outage.maxMs)}`}
        />
        <Stat label="Received" value={count(received)} />
        {arrival !== undefined && (
          <Stat
            label="Arrival p50, p99"
            title="Time from a publish in this page to the arrival at its clients"
            value={`${milliseconds(arrival.p50Ms)}, ${milliseconds(arrival.p99Ms)}`}
          />
        )}
        <Stat
          label="Missed, repeated"
          title="Publications that a connected or resumed client did not receive, and publications that a client received twice"
          value={`${count(gaps)}, ${count(repeats)}`}
          tone={gaps + repeats > 0 ? "bad" : ""}
        />
      </dl>
      {refused > 0 && (
        <p class="notice warn" role="alert">
          {plural(refused, "client")} cannot open a socket, and will try again. Either the browser is at its
          limit (about 255 sockets to one host; in Firefox 200 over all tabs), or the cluster refuses the
          sockets.
        </p>
      )}
    </>
  );
}
