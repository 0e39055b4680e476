import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { theme, themeColor } from "../data/theme.ts";

export type ChartLine = { readonly label: string; readonly color: string; readonly fill?: string };

/** The times in seconds since 1970, then the values of each line. Null is a gap. */
export type ChartColumns = (number | null)[][];

const HEIGHT = 118;
/** The time axis shows at least this much, and grows with the samples. */
const MIN_WINDOW_S = 60;

/** A line chart. Its caption has a legend for two or more lines, and the newest values of at most two lines. */
export function Chart(props: {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  readonly columns: ChartColumns;
  readonly format: (value: number) => string;
  /** `sum`: the caption shows only the sum of the newest values, for many lines. */
  readonly caption?: "sum" | "lines";
  /** The scale of the values reaches at least this. */
  readonly minScale?: number;
}) {
  const { title, lines, columns, format, caption = "lines", minScale = 1 } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const appearance = `${theme.value} ${lines.map((line) => `${line.label} ${line.color}`).join()}`;
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const chart = new uPlot(
      chartOptions({ lines, format, minScale, width: element.clientWidth }),
      alignedData(columns),
      element,
    );
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [appearance]);
  useEffect(() => plot.current?.setData(alignedData(columns)));
  const newest = newestValues(columns);
  const text =
    newest.length === 0
      ? "–"
      : caption === "sum"
        ? format(newest.reduce((sum, value) => sum + value, 0))
        : newest.map(format).join(" · ");
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        {caption === "lines" && lines.length > 1 && <Legend lines={lines} />}
        {(caption === "sum" || lines.length < 3) && <b class="latest">{text}</b>}
      </figcaption>
      <div ref={place} class="chart-place" role="img" aria-label={`${title}: ${text}`} />
    </figure>
  );
}

const Legend = ({ lines }: { readonly lines: readonly ChartLine[] }) => (
  <span class="chart-legend">
    {lines.map(({ label, color }) => (
      <span key={label}>
        <i style={{ background: color }} /> {label}
      </span>
    ))}
  </span>
);

function newestValues(columns: ChartColumns): number[] {
  const [, ...lines] = columns;
  return lines.flatMap((values) => values.at(-1) ?? []);
}

function chartOptions(chart: {
  readonly lines: readonly ChartLine[];
  readonly format: (value: number) => string;
  readonly minScale: number;
  readonly width: number;
}): uPlot.Options {
  const { lines, format, minScale, width } = chart;
  const axis = { stroke: themeColor("--muted"), font: "10px 'Geist Variable', sans-serif" };
  const grid = { stroke: themeColor("--line"), width: 1 };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 16, 0, 0],
    scales: {
      x: { time: true, range: (_, oldest, newest) => [Math.min(oldest, newest - MIN_WINDOW_S), newest] },
      y: { range: (_, __, max) => [0, Math.max(minScale, (max ?? 0) * 1.15)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        ticks: { show: false },
        size: 18,
        gap: 4,
        space: 90,
        values: (_, marks) => marks.map(clockTime),
      },
      {
        ...axis,
        grid,
        ticks: { show: false },
        size: 44,
        gap: 4,
        space: 28,
        values: (_, marks) => marks.map((mark) => format(mark)),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, color, fill }) => ({
        label,
        stroke: color,
        width: 1.5,
        points: { show: false },
        spanGaps: false,
        ...(fill === undefined ? {} : { fill }),
      })),
    ],
  };
}

const clockTime = (seconds: number): string =>
  new Date(seconds * 1_000).toLocaleTimeString("en-GB", { timeStyle: "medium" });

/** The columns in uPlot's own type, which wants a column of times without nulls first. */
function alignedData(columns: ChartColumns): uPlot.AlignedData {
  const [times = [], ...lines] = columns;
  return [times.map((time) => time ?? 0), ...lines];
}
