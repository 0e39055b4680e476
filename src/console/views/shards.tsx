import { open } from "../data/change.ts";
import { cluster, colorOf, feed, hovered, shards, type ShardView } from "../data/store.ts";
import { age, count, percent, rate } from "../model/format.ts";
import { perSecond } from "../model/series.ts";
import { Panel, readOnly, ShardName } from "./parts.tsx";

export function Shards() {
  const rows = shards.value;
  const most = Math.max(1, ...rows.map(({ sessions }) => sessions ?? 0));
  const largest = Math.max(0.01, ...rows.map(({ share }) => share));
  const untold = cluster.value?.untold ?? [];
  return (
    <Panel
      name="shards"
      title="Shards"
      aside={
        <button type="button" class="primary small" {...readOnly()} onClick={() => open({ kind: "add" })}>
          Add shards …
        </button>
      }
    >
      {untold.length > 0 && (
        <p class="notice warn">
          Not told of the present epoch yet: {untold.join(", ")}. The coordinator goes on trying.
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
              <th scope="col" class="number" title="Publications handed to sessions">
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
              <Row key={shard.id} shard={shard} most={most} largest={largest} />
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

function Row(props: { readonly shard: ShardView; readonly most: number; readonly largest: number }) {
  const { shard, most, largest } = props;
  const { id, pulse, stale } = shard;
  const epoch = feed.value.descriptor?.epoch;
  const behind = shard.ringEpochSeen !== null && epoch !== undefined && shard.ringEpochSeen < epoch;
  return (
    <tr
      class={`${stale ? "stale" : ""} ${hovered.value === id ? "focus" : ""}`}
      data-shard={id}
      onPointerEnter={() => (hovered.value = id)}
      onPointerLeave={() => (hovered.value = undefined)}
      onFocusCapture={() => (hovered.value = id)}
      onBlurCapture={() => (hovered.value = undefined)}
    >
      <th scope="row">
        <ShardName shard={id} />
      </th>
      <td>
        <span class={`state ${shard.state}`}>{shard.state}</span>
      </td>
      <td>{shard.region}</td>
      <td class="number">{shard.state === "leaving" ? "–" : shard.weight}</td>
      <Bar shard={id} part={shard.share / largest} text={percent(shard.share)} />
      <Bar
        shard={id}
        part={(shard.sessions ?? 0) / most}
        text={shard.sessions === null ? "?" : count(shard.sessions)}
      />
      <td class="number">
        {pulse === undefined || stale ? "–" : rate(perSecond(pulse, pulse.counts.frames))}
      </td>
      <td class="number">
        {pulse === undefined || stale ? "–" : rate(perSecond(pulse, pulse.counts.deliveries))}
      </td>
      <td
        class={`number ${behind ? "behind" : ""}`}
        title={behind ? "This shard knows an older ring" : undefined}
      >
        {shard.ringEpochSeen ?? "–"}
      </td>
      <td class="number" title={shard.reachable ? undefined : "It did not answer the last question"}>
        {shard.ageMs === null ? "never" : shard.stale ? age(shard.ageMs) : "now"}
      </td>
      <td class="row-action">
        <button
          type="button"
          class="small"
          aria-label={`Change ${id}`}
          {...(shard.state === "leaving" ? { disabled: true, title: "It has left the ring" } : readOnly())}
          onClick={() => open({ kind: "shard", id })}
        >
          Change …
        </button>
      </td>
    </tr>
  );
}

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
