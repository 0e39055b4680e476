import { colorOf } from "../data/colors.ts";
import { hoveredShard, shownRegion } from "../data/selection.ts";
import { shards } from "../data/shards.ts";
import { ring } from "../data/store.ts";
import { sectorPath, wedges, type Wedge } from "../model/arcs.ts";
import { percent } from "../model/format.ts";
import { labelsOf, type WedgeLabel as Label } from "../model/wedge-label.ts";
import { HALF, SESSION_BAND, SHARE_BAND, shardAt } from "../model/ring-layout.ts";
import { RingCentre } from "./ring-centre.tsx";
import { RingClients } from "./ring-clients.tsx";
import { RingMarker } from "./ring-marker.tsx";

/** Between two wedges, radians. */
const GAP = 0.012;

/** The drawing inside the bands of slots: shares, sessions, clients, and the hovered shard or the whole cluster. */
export function RingOverlay({ markedKey }: { readonly markedKey: string }) {
  const shown = shards.value.filter(({ region }) => shownRegion.value === "" || region === shownRegion.value);
  const colorFor = colorOf.value;
  const hovered = hoveredShard.value;
  const fadedUnless = (id: string): string => (hovered === undefined || hovered === id ? "" : "faded");
  const summary = shown.map(({ id, share }) => `${id} ${percent(share)}`).join(", ");
  const shareParts = shown.map(({ id, share }) => ({ id, part: share }));
  const shareWedges = wedges(shareParts, GAP);
  const labels = labelsOf(shareWedges);
  const sessionParts = shown.map(({ id, sessions }) => ({ id, part: sessions ?? 0 }));
  return (
    <svg
      viewBox={`${-HALF} ${-HALF} ${2 * HALF} ${2 * HALF}`}
      role="img"
      aria-label={`The ring: ${summary}`}
      onPointerMove={hoverShard}
    >
      {shareWedges.map((wedge, n) => (
        <g key={wedge.id} class={fadedUnless(wedge.id)}>
          <path d={sectorPath(wedge, SHARE_BAND.inner, SHARE_BAND.outer)} fill={colorFor(wedge.id)} />
          {labels[n] !== undefined && <WedgeLabel wedge={wedge} label={labels[n]} />}
        </g>
      ))}
      {wedges(sessionParts, GAP).map((wedge) => (
        <path
          key={wedge.id}
          class={fadedUnless(wedge.id)}
          d={sectorPath(wedge, SESSION_BAND.inner, SESSION_BAND.outer)}
          fill={colorFor(wedge.id)}
          opacity="0.75"
        />
      ))}
      <RingClients />
      <RingCentre />
      {markedKey !== "" && <RingMarker key="marker" markedKey={markedKey} />}
    </svg>
  );
}

function hoverShard(event: PointerEvent): void {
  const present = ring.peek();
  if (present === undefined) return;
  const box = (event.currentTarget as SVGSVGElement).getBoundingClientRect();
  const scale = (2 * HALF) / box.width;
  const point = {
    x: (event.clientX - box.left) * scale - HALF,
    y: (event.clientY - box.top) * scale - HALF,
  };
  const region = shownRegion.peek();
  const regions = present.regions().filter((name) => region === "" || name === region);
  hoveredShard.value = shardAt(point, { ring: present, regions, shards: shards.peek() });
}

function WedgeLabel({ wedge, label }: { readonly wedge: Wedge; readonly label: Label }) {
  const radius = (SHARE_BAND.inner + SHARE_BAND.outer) / 2;
  const degrees = (wedge.middle * 180) / Math.PI + 90;
  // A label in the lower half of the circle, or along a radius in the left half, would else be upside down.
  const turned = label.along === "arc" ? Math.sin(wedge.middle) > 0.05 : Math.cos(wedge.middle) < 0;
  const turn = label.along === "arc" ? (turned ? 180 : 0) : turned ? 90 : -90;
  return (
    <text
      class={`wedge-label ${label.along}`}
      transform={`rotate(${degrees}) translate(0 ${-radius}) rotate(${turn})`}
      dy="0.35em"
    >
      {label.text}
    </text>
  );
}
