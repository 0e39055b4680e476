import { useSignal } from "@preact/signals";
import { sims } from "../data/fleet.ts";
import { hovered, isStale, region, ring, shownRegion } from "../data/store.ts";
import { Explain } from "./explain.tsx";
import { Field, Panel } from "./parts.tsx";
import { RingCanvas } from "./ring-canvas.tsx";
import { RingOverlay } from "./ring-overlay.tsx";

export function RingPanel() {
  const key = useSignal("");
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
              onChange={(event) => (region.value = event.currentTarget.value)}
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
      <div class="ring-drawing" onPointerLeave={() => (hovered.value = undefined)}>
        <RingCanvas />
        <RingOverlay marked={key.value} />
      </div>
      <Explain typed={key.value} onType={(text) => (key.value = text)} />
      <p class="legend">
        Outer band: 65,536 slots by owner, from the top clockwise. Middle: share. Inner line: sessions.
        {sims.value.length > 0 && " Dots: the simulated clients, where their keys fall."} Outer marks: what
        the last change has moved.
      </p>
    </Panel>
  );
}
