import { colorOf } from "../data/colors.ts";
import { isStale, samples } from "../data/pulses.ts";
import { ring } from "../data/store.ts";
import { themeColor } from "../data/theme.ts";
import { count, milliseconds, rate } from "../model/format.ts";
import { sessionColumns, type Sample } from "../model/series.ts";
import { Chart } from "./chart.tsx";
import { Panel } from "./parts.tsx";

/** The last minutes of the cluster. */
export function Charts() {
  const ids = ring.value?.descriptor.shards.map(({ id }) => id) ?? [];
  const times = column(({ at }) => at);
  const colorFor = colorOf.value;
  const [accent, warn, good] = [themeColor("--accent"), themeColor("--warn"), themeColor("--good")];
  return (
    <Panel name="charts" title="Charts" dim={isStale.value}>
      <div class="chart-grid">
        <Chart
          title="Sessions by shard"
          caption="sum"
          lines={ids.map((id) => ({ label: id, color: colorFor(id) }))}
          columns={sessionColumns(samples.value, ids)}
          format={count}
        />
        <Chart
          title="Deliveries / s"
          lines={[{ label: "deliveries", color: accent, fill: themeColor("--accent-soft") }]}
          columns={[times, column(({ deliveries }) => deliveries)]}
          format={rate}
        />
        <Chart
          title="Publish to delivery"
          minScale={10}
          lines={[
            { label: "p50", color: accent },
            { label: "p99", color: warn },
          ]}
          columns={[times, column(({ p50Ms }) => p50Ms), column(({ p99Ms }) => p99Ms)]}
          format={milliseconds}
        />
        <Chart
          title="Per second"
          lines={[
            { label: "moves", color: warn },
            { label: "connects", color: accent },
            { label: "resumes", color: good },
          ]}
          columns={[
            times,
            column(({ moved }) => moved),
            column(({ connects }) => connects),
            column(({ resumed }) => resumed),
          ]}
          format={rate}
        />
      </div>
    </Panel>
  );
}

const column = (pick: (sample: Sample) => number | null): (number | null)[] => samples.value.map(pick);
