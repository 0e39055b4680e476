import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { colorOf, isStale, ring, samples } from "../data/store.ts";
import { theme } from "../data/theme.ts";
import { count, milliseconds, rate } from "../model/format.ts";
import { sessionColumns, type Sample } from "../model/series.ts";
import { Panel } from "./parts.tsx";

type Line = { readonly label: string; readonly color: string; readonly fill?: string };
type Columns = (number | null)[][];

export function Charts() {
  const ids = ring.value?.descriptor.shards.map(({ id }) => id) ?? [];
  const times = column(({ at }) => at);
  const paint = colorOf.value;
  return (
    <Panel name="charts" title="Charts" dim={isStale.value}>
      <div class="chart-grid">
        <Chart
          title="Sessions by shard"
          legend={false}
          lines={ids.map((id) => ({ label: id, color: paint(id) }))}
          columns={sessionColumns(samples.value, ids)}
          write={count}
        />
        <Chart
          title="Deliveries / s"
          lines={[{ label: "deliveries", color: color("--accent"), fill: color("--accent-soft") }]}
          columns={[times, column(({ deliveries }) => deliveries)]}
          write={rate}
        />
        <Chart
          title="Publish to delivery"
          least={10}
          lines={[
            { label: "p50", color: color("--accent") },
            { label: "p99", color: color("--warn") },
          ]}
          columns={[times, column(({ p50Ms }) => p50Ms), column(({ p99Ms }) => p99Ms)]}
          write={milliseconds}
        />
        <Chart
          title="Per second"
          lines={[
            { label: "moves", color: color("--warn") },
            { label: "connects", color: color("--accent") },
            { label: "resumes", color: color("--good") },
          ]}
          columns={[
            times,
            column(({ moved }) => moved),
            column(({ connects }) => connects),
            column(({ resumed }) => resumed),
          ]}
          write={rate}
        />
      </div>
    </Panel>
  );
}

const column = (pick: (sample: Sample) => number | null): (number | null)[] => samples.value.map(pick);

/** Reads a colour of the present theme; the argument of `theme` makes whoever calls depend on it. */
function color(name: string): string {
  void theme.value;
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function Chart(props: {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly columns: Columns;
  readonly write: (value: number) => string;
  readonly legend?: boolean;
  /** The scale goes at least to here. */
  readonly least?: number;
}) {
  const { title, lines, columns, write, least = 1 } = props;
  const together = props.legend === false;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const looks = `${theme.value} ${lines.map((line) => `${line.label} ${line.color}`).join()}`;
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const chart = new uPlot(options(element, { lines, write, least }), asData(columns), element);
    plot.current = chart;
    const resized = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      chart.destroy();
    };
  }, [looks]);
  useEffect(() => plot.current?.setData(asData(columns)));
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        {!together && lines.length > 1 && <Legend lines={lines} />}
        {(together || lines.length < 3) && <b class="latest">{latest(columns, write, together)}</b>}
      </figcaption>
      <div
        ref={place}
        class="chart-place"
        role="img"
        aria-label={`${title}: ${latest(columns, write, together)}`}
      />
    </figure>
  );
}

const Legend = ({ lines }: { readonly lines: readonly Line[] }) => (
  <span class="chart-legend">
    {lines.map(({ label, color: ink }) => (
      <span key={label}>
        <i style={{ background: ink }} /> {label}
      </span>
    ))}
  </span>
);

const HEIGHT = 118;
/** The charts begin with a minute, and grow to what is kept. */
const FIRST_WINDOW_S = 60;

function options(
  element: HTMLElement,
  chart: {
    readonly lines: readonly Line[];
    readonly write: (value: number) => string;
    readonly least: number;
  },
): uPlot.Options {
  const { lines, write, least } = chart;
  const axis = { stroke: color("--muted"), font: "10px 'Geist Variable', sans-serif" };
  const grid = { stroke: color("--line"), width: 1 };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 16, 0, 0],
    scales: {
      x: { time: true, range: (_, oldest, newest) => [Math.min(oldest, newest - FIRST_WINDOW_S), newest] },
      y: { range: (_, __, most) => [0, Math.max(least, (most ?? 0) * 1.15)] },
    },
    axes: [
      { ...axis, grid: { show: false }, ticks: { show: false }, size: 18, gap: 4, space: 90, values: clock },
      {
        ...axis,
        grid,
        ticks: { show: false },
        size: 44,
        gap: 4,
        space: 28,
        values: (_, marks) => marks.map((mark) => write(mark)),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, color: stroke, fill }) => ({
        label,
        stroke,
        width: 1.5,
        points: { show: false },
        spanGaps: false,
        ...(fill === undefined ? {} : { fill }),
      })),
    ],
  };
}

const clock = (_: uPlot, marks: number[]): string[] =>
  marks.map((mark) => new Date(mark * 1_000).toLocaleTimeString("en-GB", { timeStyle: "medium" }));

/** uPlot's own type wants the times apart, and nothing at all where there are none. */
function asData(columns: Columns): uPlot.AlignedData {
  const [times = [], ...rest] = columns;
  return [times.map((time) => time ?? 0), ...rest];
}

/** What the lines say now: together where they are shards, else each. */
function latest(columns: Columns, write: (value: number) => string, together: boolean): string {
  const newest = columns.slice(1).flatMap((column) => column.at(-1) ?? []);
  if (newest.length === 0) return "–";
  return together ? write(newest.reduce((sum, value) => sum + value, 0)) : newest.map(write).join(" · ");
}
