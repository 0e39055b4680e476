import { openDrawer } from "../data/change.ts";
import { colorOf } from "../data/colors.ts";
import { hoveredShard } from "../data/selection.ts";
import type { ShardView } from "../data/shards.ts";
import { age, count, percent, rate } from "../model/format.ts";
import type { Order, Sort } from "../model/shard-list.ts";
import { readOnly, ShardName } from "./parts.tsx";

type Column = {
  /** The class of its cells: a narrow table leaves some columns out. */
  readonly name: string;
  readonly label: string;
  readonly title?: string;
  readonly kind: "text" | "number" | "bar";
  readonly sort?: Sort;
};

const COLUMNS: readonly Column[] = [
  { name: "id", label: "Shard", kind: "text", sort: "id" },
  { name: "state", label: "State", kind: "text", sort: "state" },
  { name: "region", label: "Region", kind: "text", sort: "region" },
  { name: "weight", label: "Weight", kind: "number", sort: "weight" },
  { name: "share", label: "Share", kind: "bar", sort: "share" },
  { name: "sessions", label: "Sessions", kind: "bar", sort: "sessions" },
  { name: "load", label: "Load", title: "The limit that is used most", kind: "number", sort: "load" },
  { name: "in", label: "In / s", title: "Frames from clients", kind: "number", sort: "framesPerSecond" },
  {
    name: "out",
    label: "Out / s",
    title: "Publications delivered to sessions",
    kind: "number",
    sort: "deliveriesPerSecond",
  },
  { name: "epoch", label: "Epoch", kind: "number" },
  { name: "age", label: "Age", title: "Since the last pulse", kind: "number" },
];

/** `onSort`: absent where the order is fixed. `scrolls`: the table scrolls inside the page. */
export function ShardTable(props: {
  readonly rows: readonly ShardView[];
  readonly empty: string;
  readonly scrolls?: boolean;
  readonly sorted?: {
    readonly by: Sort;
    readonly order: Order;
    readonly onSort: (sort: Sort) => void;
  };
}) {
  const { rows, sorted, empty, scrolls = false } = props;
  const maxSessions = Math.max(1, ...rows.map(({ sessions }) => sessions ?? 0));
  const maxShare = Math.max(0.01, ...rows.map(({ share }) => share));
  return (
    <div class={`scroll ${scrolls ? "tall" : ""}`} tabIndex={0} role="group" aria-label="Table of shards">
      <table>
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <Head key={column.name} column={column} sorted={sorted} />
            ))}
            <th scope="col" class="row-action">
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
              <td colSpan={COLUMNS.length + 1} class="empty">
                {empty}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function Head({
  column,
  sorted,
}: {
  readonly column: Column;
  readonly sorted: Parameters<typeof ShardTable>[0]["sorted"];
}) {
  const { name, label, title, kind, sort } = column;
  const own = sort !== undefined && sorted?.by === sort ? sorted.order : undefined;
  return (
    <th
      scope="col"
      class={`c-${name} ${kind}`}
      title={title}
      {...(own === undefined ? {} : { "aria-sort": own === "up" ? "ascending" : "descending" })}
    >
      {sort === undefined || sorted === undefined ? (
        label
      ) : (
        <button type="button" class="sort" onClick={() => sorted.onSort(sort)}>
          {label}
          <span aria-hidden="true">{own === undefined ? "" : own === "up" ? " ↑" : " ↓"}</span>
        </button>
      )}
    </th>
  );
}

function Row(props: { readonly shard: ShardView; readonly maxSessions: number; readonly maxShare: number }) {
  const { shard, maxSessions, maxShare } = props;
  const { id, stale, behind, load, framesPerSecond, deliveriesPerSecond } = shard;
  return (
    <tr
      class={`${stale ? "stale" : ""} ${hoveredShard.value === id ? "focus" : ""}`}
      data-shard={id}
      onPointerEnter={() => (hoveredShard.value = id)}
      onPointerLeave={() => (hoveredShard.value = undefined)}
      onFocusCapture={() => (hoveredShard.value = id)}
      onBlurCapture={() => (hoveredShard.value = undefined)}
    >
      <th scope="row" class="c-id">
        <ShardName shard={id} />
      </th>
      <td class="c-state">
        <span class={`state ${shard.state}`}>{shard.state}</span>
      </td>
      <td class="c-region">{shard.region}</td>
      <td class="c-weight number">{shard.state === "leaving" ? "–" : shard.weight}</td>
      <Bar name="share" shard={id} part={shard.share / maxShare} text={percent(shard.share)} />
      <Bar name="sessions" shard={id} part={(shard.sessions ?? 0) / maxSessions} text={sessionsOf(shard)} />
      <td class="c-load number" title={shard.loadPart === null ? undefined : `of ${shard.loadPart}`}>
        {load === null ? "–" : percent(load)}
      </td>
      <td class="c-in number">{framesPerSecond === null ? "–" : rate(framesPerSecond)}</td>
      <td class="c-out number">{deliveriesPerSecond === null ? "–" : rate(deliveriesPerSecond)}</td>
      <Epoch shard={shard} behind={behind} />
      <td
        class="c-age number"
        title={shard.reachable ? undefined : "This shard did not answer the last request"}
      >
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

function Epoch({ shard, behind }: { readonly shard: ShardView; readonly behind: boolean }) {
  const { ringEpochSeen: seen } = shard;
  const title = behind
    ? "This shard has an older epoch of the ring"
    : seen === 0
      ? "This shard has been told no epoch yet, and goes by the configured shards"
      : undefined;
  return (
    <td class={`c-epoch number ${behind ? "behind" : ""}`} title={title}>
      {seen === null || (seen === 0 && !behind) ? "–" : seen}
    </td>
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
const Bar = (props: {
  readonly name: string;
  readonly shard: string;
  readonly part: number;
  readonly text: string;
}) => (
  <td class={`c-${props.name} bar`}>
    <span class="bar-text">{props.text}</span>
    <span class="bar-track" aria-hidden="true">
      <span
        class="bar-fill"
        style={{ width: `${Math.min(100, props.part * 100)}%`, "--shard": colorOf.value(props.shard) }}
      />
    </span>
  </td>
);
