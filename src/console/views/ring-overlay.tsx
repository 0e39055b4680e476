import { colorOf } from "../data/colors.ts";
import { hoveredShard, shownRegion } from "../data/selection.ts";
import { shards } from "../data/shards.ts";
import { ring } from "../data/store.ts";
import { sectorPath, wedges } from "../model/arcs.ts";
import { percent } from "../model/format.ts";
import { HALF, SESSION_BAND, SHARE_BAND, shardAt } from "../model/ring-layout.ts";
import { RingCentre } from "./ring-centre.tsx";
import { RingClients } from "./ring-clients.tsx";
import { RingMarker } from "./ring-marker.tsx";

/** A shard's name fits into a wedge that is larger than this, radians. */
const LABEL_FROM = 0.34;
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
  const sessionParts = shown.map(({ id, sessions }) => ({ id, part: sessions ?? 0 }));
  return (
    <svg
      viewBox={`${-HALF} ${-HALF} ${2 * HALF} ${2 * HALF}`}
      role="img"
      aria-label={`The ring: ${summary}`}
      onPointerMove={hoverShard}
    >
      {wedges(shareParts, GAP).map((wedge) => (
        <g key={wedge.id} class={fadedUnless(wedge.id)}>
          <path d={sectorPath(wedge, SHARE_BAND.inner, SHARE_BAND.outer)} fill={colorFor(wedge.id)} />
          {wedge.to - wedge.from > LABEL_FROM && <WedgeLabel id={wedge.id} middle={wedge.middle} />}
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

function WedgeLabel({ id, middle }: { readonly id: string; readonly middle: number }) {
  const radius = (SHARE_BAND.inner + SHARE_BAND.outer) / 2;
  const degrees = (middle * 180) / Math.PI + 90;
  // A label in the lower half of the circle is turned, or it would be upside down.
  const turned = Math.sin(middle) > 0.05;
  return (
    <text
      class="wedge-label"
      transform={`rotate(${degrees}) translate(0 ${-radius}) rotate(${turned ? 180 : 0})`}
      dy="0.35em"
    >
      {id}
    </text>
  );
}
