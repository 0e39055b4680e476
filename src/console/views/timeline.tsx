import { openDrawer } from "../data/change.ts";
import { tick } from "../data/pulses.ts";
import { clusterTime, feed } from "../data/store.ts";
import { movedOf, timelineOf, type Epoch, type Incident } from "../model/feed.ts";
import { age, count } from "../model/format.ts";
import { Panel, readOnly } from "./parts.tsx";

export function Timeline() {
  // The ages grow with the clock.
  void tick.value;
  const now = clusterTime();
  const entries = timelineOf(feed.value);
  return (
    <Panel name="timeline" title="Timeline" aside={<span class="hint">newest first</span>}>
      <ol class="timeline-entries" tabIndex={0} aria-label="Epochs and incidents">
        {entries.map((entry) =>
          "epoch" in entry ? (
            <EpochEntry key={`e${entry.epoch.ringEpoch}`} epoch={entry.epoch} now={now} />
          ) : (
            <IncidentEntry key={`i${entry.at}${entry.incident.text}`} incident={entry.incident} now={now} />
          ),
        )}
        {entries.length === 0 && <li class="empty">No epochs or incidents yet.</li>}
      </ol>
    </Panel>
  );
}

const Age = ({ at, now }: { readonly at: number; readonly now: number }) => (
  <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString("en-GB")}>
    {age(now - at)} ago
  </time>
);

function EpochEntry({ epoch, now }: { readonly epoch: Epoch; readonly now: number }) {
  const moved = movedOf(epoch);
  const expected = epoch.predicted?.moving;
  const present = feed.value.descriptor?.epoch;
  return (
    <li class="epoch" data-epoch={epoch.ringEpoch}>
      <span class="text">
        <b>Epoch {epoch.ringEpoch}</b> {epoch.cause}
        <span class="hint"> by {epoch.by}</span>
      </span>
      {expected !== undefined && (
        <span class={`moves-count ${moved === expected ? "" : "warn"}`}>
          {count(moved)} of {count(expected)} moved
        </span>
      )}
      <Age at={epoch.at} now={now} />
      {epoch.ringEpoch !== present && (
        <button
          type="button"
          class="small quiet"
          aria-label={`Roll back to epoch ${epoch.ringEpoch}`}
          {...readOnly()}
          onClick={() => openDrawer({ kind: "rollback", ringEpoch: epoch.ringEpoch })}
        >
          Roll back …
        </button>
      )}
    </li>
  );
}

const IncidentEntry = ({ incident, now }: { readonly incident: Incident; readonly now: number }) => (
  <li class={`incident ${incident.kind}`}>
    <span class="text">{incident.text}</span>
    <Age at={incident.at} now={now} />
  </li>
);
