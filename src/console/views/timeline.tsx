import { open } from "../data/change.ts";
import { beat, feed } from "../data/store.ts";
import { movedOf, timelineOf, type Epoch, type Incident } from "../model/feed.ts";
import { age, count } from "../model/format.ts";
import { Panel, readOnly } from "./parts.tsx";

export function Timeline() {
  void beat.value;
  const now = Date.now();
  const all = timelineOf(feed.value);
  return (
    <Panel name="timeline" title="Timeline" aside={<span class="hint">the newest first</span>}>
      <ol class="happenings" tabIndex={0} aria-label="What has happened">
        {all.map((one) =>
          "epoch" in one ? (
            <EpochLine key={`e${one.epoch.ringEpoch}`} epoch={one.epoch} now={now} />
          ) : (
            <IncidentLine key={`i${one.at}${one.incident.text}`} incident={one.incident} now={now} />
          ),
        )}
        {all.length === 0 && <li class="empty">Nothing has happened yet.</li>}
      </ol>
    </Panel>
  );
}

const When = ({ at, now }: { readonly at: number; readonly now: number }) => (
  <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString("en-GB")}>
    {age(now - at)} ago
  </time>
);

function EpochLine({ epoch, now }: { readonly epoch: Epoch; readonly now: number }) {
  const moved = movedOf(epoch);
  const expected = epoch.predicted?.moving;
  const present = feed.value.descriptor?.epoch;
  return (
    <li class="epoch" data-epoch={epoch.ringEpoch}>
      <span class="what">
        <b>Epoch {epoch.ringEpoch}</b> {epoch.cause}
        <span class="hint"> by {epoch.by}</span>
      </span>
      {expected !== undefined && (
        <span class={`moves-count ${moved === expected ? "" : "warn"}`}>
          {count(moved)} of {count(expected)} moved
        </span>
      )}
      <When at={epoch.at} now={now} />
      {epoch.ringEpoch !== present && (
        <button
          type="button"
          class="small quiet"
          aria-label={`Roll back to epoch ${epoch.ringEpoch}`}
          {...readOnly()}
          onClick={() => open({ kind: "rollback", ringEpoch: epoch.ringEpoch })}
        >
          Roll back …
        </button>
      )}
    </li>
  );
}

const IncidentLine = ({ incident, now }: { readonly incident: Incident; readonly now: number }) => (
  <li class={`incident ${incident.kind}`}>
    <span class="what">{incident.text}</span>
    <When at={incident.at} now={now} />
  </li>
);
