import { SCALE_MODES, type ScaleDecision } from "../../contracts/scale.ts";
import { openDrawer } from "../data/change.ts";
import { colorOf } from "../data/colors.ts";
import { tick } from "../data/pulses.ts";
import { chooseScaleMode, scale, scaleProblem } from "../data/scale.ts";
import { clusterTime } from "../data/store.ts";
import { age, percent } from "../model/format.ts";
import { drawerOf, loadRows, sentenceOf, type LoadRow } from "../model/scale-view.ts";
import { Panel, readOnly, ShardName } from "./parts.tsx";

/** The load of each shard, the mode of the scaling policy, and its decisions. */
export function Scaling() {
  // The ages grow with the clock.
  void tick.value;
  const report = scale.value;
  return (
    <Panel name="scaling" title="Scaling" aside={report !== undefined && <Mode />}>
      {scaleProblem.value !== undefined && (
        <p class="notice bad" role="alert">
          {scaleProblem.value}
        </p>
      )}
      {report === undefined ? (
        <p class="empty">Asking the coordinator …</p>
      ) : (
        <>
          <p class="scale-last" data-scale={report.last?.kind ?? "none"}>
            {sentenceOf(report.last, report.mode)} <Suggested last={report.last} />
          </p>
          <p class="hint">
            {report.min} to {report.max} shards; grows at {percent(report.mark)} of a limit, aims at{" "}
            {percent(report.target)}, shrinks below {percent(report.mark / 4)}.
            {report.chosen !== null && (
              <span data-chosen={report.chosen.by}>
                {" "}
                {report.chosen.by} has chosen the mode {age(clusterTime() - report.chosen.at)} ago.
              </span>
            )}
          </p>
          <div class="scale-lists">
            <ul class="loads" tabIndex={0} aria-label="Load of each shard">
              {loadRows(report.shards).map((row) => (
                <Load key={row.id} row={row} mark={report.mark} />
              ))}
            </ul>
            <ol
              class="scale-decisions"
              tabIndex={0}
              aria-label="Decisions of the scaling policy, newest first"
            >
              {report.decisions.slice(0, 20).map((decision) => (
                <Decision key={`${decision.at}${decision.reason}`} decision={decision} />
              ))}
              {report.decisions.length === 0 && (
                <li class="empty">The policy has not changed the ring yet.</li>
              )}
            </ol>
          </div>
        </>
      )}
    </Panel>
  );
}

/** Opens the dry run of what the policy suggests. */
function Suggested({ last }: { readonly last: ScaleDecision | null }) {
  const content = drawerOf(last);
  if (content === undefined) return null;
  return (
    <button type="button" onClick={() => openDrawer(content)}>
      Dry run …
    </button>
  );
}

const Mode = () => (
  <label class="scale-mode">
    <span>Mode</span>
    <select
      value={scale.value?.mode ?? "off"}
      {...readOnly()}
      onChange={({ currentTarget }) => {
        const mode = SCALE_MODES.find((one) => one === currentTarget.value);
        if (mode !== undefined) void chooseScaleMode(mode);
      }}
    >
      {SCALE_MODES.map((mode) => (
        <option key={mode} value={mode}>
          {mode}
        </option>
      ))}
    </select>
  </label>
);

function Load({ row, mark }: { readonly row: LoadRow; readonly mark: number }) {
  const { id, value, part, parts, step, owner, failed } = row;
  const text = value === null ? "–" : `${percent(value)} of ${part}`;
  return (
    <li title={parts} data-load={id}>
      <ShardName shard={id} />
      <span class="bar-track" aria-hidden="true">
        <span
          class="bar-fill"
          style={{ width: `${Math.min(100, (value ?? 0) * 100)}%`, "--shard": colorOf.value(id) }}
        />
        <span class="load-mark" style={{ left: `${mark * 100}%` }} />
      </span>
      <span class="load-text">{text}</span>
      <span class="hint">{step !== undefined ? `joining, ${step}` : owner === "policy" ? "scaled" : ""}</span>
      {failed !== undefined && <span class="load-failed">{failed}</span>}
    </li>
  );
}

const Decision = ({ decision }: { readonly decision: ScaleDecision }) => (
  <li>
    <b>{decision.kind}</b> <span class="text">{decision.reason}</span>{" "}
    <time
      dateTime={new Date(decision.at).toISOString()}
      title={new Date(decision.at).toLocaleString("en-GB")}
    >
      {age(Date.now() - decision.at)} ago
    </time>
  </li>
);
