import { isStale } from "../data/pulses.ts";
import { route, setQuery } from "../data/route.ts";
import { chosenRegion, hoveredShard, shownRegion } from "../data/selection.ts";
import { simClients } from "../data/sim-clients.ts";
import { ring } from "../data/store.ts";
import { Explain } from "./explain.tsx";
import { Field, Panel } from "./parts.tsx";
import { RingCanvas } from "./ring-canvas.tsx";
import { RingOverlay } from "./ring-overlay.tsx";

export function RingPanel() {
  const { key = "" } = route.value.query;
  const regions = ring.value?.regions() ?? [];
  return (
    <Panel
      name="ring"
      title="Ring"
      dim={isStale.value}
      aside={
        regions.length > 1 && (
          <Field label="Region" class="inline">
            <select
              value={shownRegion.value}
              onChange={(event) => (chosenRegion.value = event.currentTarget.value)}
            >
              <option value="">all</option>
              {regions.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </Field>
        )
      }
    >
      <div class="ring-drawing" onPointerLeave={() => (hoveredShard.value = undefined)}>
        <RingCanvas />
        <RingOverlay markedKey={key} />
      </div>
      <Explain typed={key} onType={(text) => setQuery({ key: text })} />
      <p class="legend">
        Outer band: the owners of the 65,536 slots, clockwise from the top. Middle band: shares. Inner band:
        sessions.
        {simClients.value.length > 0 && " Dots: the slots of the simulated clients."} Outer marks: the slots
        that the last change has moved.
      </p>
    </Panel>
  );
}
