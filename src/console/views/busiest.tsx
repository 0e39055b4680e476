import { busiest } from "../data/busiest.ts";
import { count, rate } from "../model/format.ts";
import { hashOf } from "../model/route.ts";
import { Panel } from "./parts.tsx";

/** The channels that deliver most, as the shards tell them in their pulses. */
export function Busiest() {
  const rows = busiest.value;
  const most = Math.max(1, ...rows.map(({ deliveries }) => deliveries));
  return (
    <Panel
      name="busiest"
      title="Busiest channels"
      aside={<span class="hint">over ten seconds; each shard tells its ten busiest</span>}
    >
      <div class="scroll" tabIndex={0} role="group" aria-label="Table of busy channels">
        <table>
          <thead>
            <tr>
              <th scope="col">Channel</th>
              <th scope="col" class="number">
                Published / s
              </th>
              <th scope="col" class="bar">
                Delivered / s
              </th>
              <th scope="col" class="number">
                Shards
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ channel, publications, deliveries, shards }) => (
              <tr key={channel} data-channel={channel}>
                <th scope="row" class="name">
                  <a class="mono" href={hashOf({ page: "channels", item: channel })}>
                    {channel}
                  </a>
                </th>
                <td class="number">{rate(publications)}</td>
                <td class="bar">
                  <span class="bar-text">{rate(deliveries)}</span>
                  <span class="bar-track" aria-hidden="true">
                    <span class="bar-fill" style={{ width: `${(deliveries / most) * 100}%` }} />
                  </span>
                </td>
                <td class="number">{count(shards)}</td>
              </tr>
            ))}
            {rows.length === 0 && (
              <tr>
                <td colSpan={4} class="empty">
                  No channel has delivered anything in the last ten seconds.
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
