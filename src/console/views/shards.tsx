import { openDrawer } from "../data/change.ts";
import { colorOf } from "../data/colors.ts";
import { hoveredShard } from "../data/selection.ts";
import { shards, type ShardView } from "../data/shards.ts";
import { cluster, feed } from "../data/store.ts";
import { age, count, percent, rate } from "../model/format.ts";
import { perSecond } from "../model/series.ts";
import { Panel, readOnly, ShardName } from "./parts.tsx";

export function Shards() {
  const rows = shards.value;
  const maxSessions = Math.max(1, ...rows.map(({ sessions }) => sessions ?? 0));
  const maxShare = Math.max(0.01, ...rows.map(({ share }) => share));
  const untold = cluster.value?.untold ?? [];
  return (
    <Panel
      name="shards"
      title="Shards"
      aside={
        <button
          type="button"
          class="primary small"
          {...readOnly()}
          onClick={() => openDrawer({ kind: "add" })}
        >
          Add shards …
        </button>
      }
    >
      {untold.length > 0 && (
        <p class="notice warn">
          Shards without the present epoch yet: {untold.join(", ")}. The coordinator keeps trying.
        </p>
      )}
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of shards">
        <table>
          <thead>
            <tr>
              <th scope="col">Shard</th>
              <th scope="col">State</th>
              <th scope="col">Region</th>
              <th scope="col" class="number">
                Weight
              </th>
              <th scope="col" class="bar-head">
                Share
              </th>
              <th scope="col" class="bar-head">
                Sessions
              </th>
              <th scope="col" class="number" title="Frames from clients">
                In / s
              </th>
              <th scope="col" class="number" title="Publications delivered to sessions">
                Out / s
              </th>
              <th scope="col" class="number">
                Epoch
              </th>
              <th scope="col" class="number">
                Age
              </th>
              <th scope="col">
                <span class="hidden">Change</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((shard) => (
              <Row key={shard.id} shard={shard} maxSessions={maxSessions} maxShare={maxShare} />
            ))}
            {rows.length === 0 && (
              <tr>
                <td colSpan={11} class="empty">
                  Asking the coordinator …
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function Row(props: { readonly shard: ShardView; readonly maxSessions: number; readonly maxShare: number }) {
  const { shard, maxSessions, maxShare } = props;
  const { id, pulse, stale } = shard;
  const epoch = feed.value.descriptor?.epoch;
  const behind = shard.ringEpochSeen !== null && epoch !== undefined && shard.ringEpochSeen < epoch;
  return (
    <tr
      class={`${stale ? "stale" : ""} ${hoveredShard.value === id ? "focus" : ""}`}
      data-shard={id}
      onPointerEnter={() => (hoveredShard.value = id)}
      onPointerLeave={() => (hoveredShard.value = undefined)}
      onFocusCapture={() => (hoveredShard.value = id)}
      onBlurCapture={() => (hoveredShard.value = undefined)}
    >
      <th scope="row">
        <ShardName shard={id} />
      </th>
      <td>
        <span class={`state ${shard.state}`}>{shard.state}</span>
      </td>
      <td>{shard.region}</td>
      <td class="number">{shard.state === "leaving" ? "–" : shard.weight}</td>
      <Bar shard={id} part={shard.share / maxShare} text={percent(shard.share)} />
      <Bar shard={id} part={(shard.sessions ?? 0) / maxSessions} text={sessionsOf(shard)} />
      <td class="number">
        {pulse === undefined || stale ? "–" : rate(perSecond(pulse, pulse.counts.frames))}
      </td>
      <td class="number">
        {pulse === undefined || stale ? "–" : rate(perSecond(pulse, pulse.counts.deliveries))}
      </td>
      <td
        class={`number ${behind ? "behind" : ""}`}
        title={behind ? "This shard has an older epoch of the ring" : undefined}
      >
        {shard.ringEpochSeen ?? "–"}
      </td>
      <td class="number" title={shard.reachable ? undefined : "This shard did not answer the last request"}>
        {shard.ageMs === null ? "never" : shard.stale ? age(shard.ageMs) : "now"}
      </td>
      <td class="row-action">
        <button
          type="button"
          class="small"
          aria-label={`Change ${id}`}
          {...(shard.state === "leaving"
            ? { disabled: true, title: "This shard has left the ring" }
            : readOnly())}
          onClick={() => openDrawer({ kind: "shard", id })}
        >
          Change …
        </button>
      </td>
    </tr>
  );
}

/** Guests are sessions whose first owner is another shard. */
function sessionsOf({ sessions, guests }: ShardView): string {
  if (sessions === null) return "?";
  return guests === null || guests === 0
    ? count(sessions)
    : `${count(sessions)}, ${count(guests)} of them guests`;
}

/** A number with a bar in the shard's colour; `part` is the bar's length from 0 to 1. */
const Bar = ({
  shard,
  part,
  text,
}: {
  readonly shard: string;
  readonly part: number;
  readonly text: string;
}) => (
  <td class="bar">
    <span class="bar-text">{text}</span>
    <span class="bar-track" aria-hidden="true">
      <span
        class="bar-fill"
        style={{ width: `${Math.min(100, part * 100)}%`, "--shard": colorOf.value(shard) }}
      />
    </span>
  </td>
);
