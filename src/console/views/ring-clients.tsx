import { useComputed } from "@preact/signals";
import { hashKey } from "../../ring/hash.ts";
import { slotOf } from "../../ring/table.ts";
import { colorOf } from "../data/colors.ts";
import { hoveredShard } from "../data/selection.ts";
import { simClients, type SimClient } from "../data/sim-clients.ts";
import { ring } from "../data/store.ts";
import { angleOfSlot } from "../model/arcs.ts";
import { CLIENT_DOTS } from "../model/ring-layout.ts";

/** A dot at the slot of each simulated client, in the colour of the shard that holds the client. */
export function RingClients() {
  const angles = useComputed(() => {
    const seed = ring.value?.descriptor.seed ?? 0;
    return simClients.value.map((client) => ({
      client,
      angle: angleOfSlot(slotOf(hashKey(client.view.peek().key, seed))),
    }));
  });
  if (ring.value === undefined) return null;
  return (
    <g class="dots">
      {angles.value.map(({ client, angle }) => (
        <Dot key={client.view.peek().key} client={client} angle={angle} />
      ))}
    </g>
  );
}

/** The dot is larger and hollow while the client has no connection. */
function Dot({ client, angle }: { readonly client: SimClient; readonly angle: number }) {
  const { shard, state } = client.view.value;
  const hovered = hoveredShard.value;
  const disconnected = state !== "connected" && state !== "paused";
  const color = colorOf.value(shard);
  return (
    <circle
      cx={CLIENT_DOTS * Math.cos(angle)}
      cy={CLIENT_DOTS * Math.sin(angle)}
      r={disconnected ? 3.4 : 2.4}
      class={hovered === undefined || hovered === shard ? "" : "faded"}
      fill={disconnected ? "none" : color}
      stroke={disconnected ? "var(--text)" : "none"}
    />
  );
}
