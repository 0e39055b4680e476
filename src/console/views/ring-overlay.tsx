import { useComputed } from "@preact/signals";
import { hashKey } from "../../ring/hash.ts";
import { slotOf } from "../../ring/table.ts";
import { sims } from "../data/fleet.ts";
import { colorOf, feed, hovered, ring, shards, shownRegion } from "../data/store.ts";
import { angleOfSlot, binOwners, sectorPath, wedges } from "../model/arcs.ts";
import { percent, plural } from "../model/format.ts";
import { bandRadii } from "./ring-canvas.tsx";

const DOTS = 157;
const SHARES = { inner: 121, outer: 148 } as const;
const LOADS = { inner: 109, outer: 116 } as const;
/** A name fits on a part of the circle that is larger than this, radians. */
const LABEL_FROM = 0.34;

/** What lies within the band of slots: shares, sessions, clients, and what is pointed at. */
export function RingOverlay({ marked }: { readonly marked: string }) {
  const shown = shards.value.filter(
    (shard) => shownRegion.value === "" || shard.region === shownRegion.value,
  );
  const paint = colorOf.value;
  const focus = hovered.value;
  const faded = (id: string): string => (focus === undefined || focus === id ? "" : "faded");
  const summary = shown.map(({ id, share }) => `${id} ${percent(share)}`).join(", ");
  return (
    <svg viewBox="-210 -210 420 420" role="img" aria-label={`The ring: ${summary}`} onPointerMove={point}>
      {wedges(
        shown.map(({ id, share }) => ({ id, part: share })),
        0.012,
      ).map((wedge) => (
        <g key={wedge.id} class={faded(wedge.id)}>
          <path d={sectorPath(wedge, SHARES.inner, SHARES.outer)} fill={paint(wedge.id)} />
          {wedge.to - wedge.from > LABEL_FROM && <WedgeLabel id={wedge.id} middle={wedge.middle} />}
        </g>
      ))}
      {wedges(
        shown.map(({ id, sessions }) => ({ id, part: sessions ?? 0 })),
        0.012,
      ).map((wedge) => (
        <path
          key={wedge.id}
          class={faded(wedge.id)}
          d={sectorPath(wedge, LOADS.inner, LOADS.outer)}
          fill={paint(wedge.id)}
          opacity="0.75"
        />
      ))}
      <Dots />
      <Centre />
      {marked !== "" && <Marker key="marker" typed={marked} />}
    </svg>
  );
}

function point(event: PointerEvent): void {
  const box = (event.currentTarget as SVGSVGElement).getBoundingClientRect();
  const scale = 420 / box.width;
  hovered.value = shardAt((event.clientX - box.left) * scale - 210, (event.clientY - box.top) * scale - 210);
}

/** The shard under a point of the drawing. */
function shardAt(x: number, y: number): string | undefined {
  const present = ring.peek();
  if (present === undefined) return undefined;
  const radius = Math.hypot(x, y);
  const turn = ((Math.atan2(y, x) + Math.PI / 2) / (Math.PI * 2) + 1) % 1;
  const names = present.regions().filter((name) => shownRegion.peek() === "" || name === shownRegion.peek());
  for (const [index, name] of names.entries()) {
    const { inner, outer } = bandRadii(index, names.length);
    if (radius < inner || radius > outer) continue;
    const owners = binOwners(present, name, 360);
    return owners[Math.floor(turn * 360)];
  }
  const [band, part] =
    radius > SHARES.inner - 2 && radius < SHARES.outer
      ? [true, (shard: { share: number }) => shard.share]
      : [
          radius > LOADS.inner && radius <= SHARES.inner - 2,
          (shard: { sessions: number | null }) => shard.sessions ?? 0,
        ];
  if (!band) return undefined;
  const shown = shards.peek().filter((shard) => names.includes(shard.region));
  const angle = turn * Math.PI * 2 - Math.PI / 2;
  const hit = wedges(shown.map((shard) => ({ id: shard.id, part: part(shard) })));
  return hit.find(({ from, to }) => angle >= from && angle < to)?.id;
}

function WedgeLabel({ id, middle }: { readonly id: string; readonly middle: number }) {
  const radius = (SHARES.inner + SHARES.outer) / 2;
  const degrees = (middle * 180) / Math.PI + 90;
  // Upside down in the lower half, unless it is turned.
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

/** Where the simulated clients' keys fall, in the colour of the shard that holds them. */
function Dots() {
  const present = ring.value;
  const angles = useComputed(() => {
    const seed = ring.value?.descriptor.seed ?? 0;
    return sims.value.map((sim) => ({ sim, angle: angleOfSlot(slotOf(hashKey(sim.view.peek().key, seed))) }));
  });
  if (present === undefined) return null;
  return (
    <g class="dots">
      {angles.value.map(({ sim, angle }) => (
        <Dot key={sim.view.peek().key} sim={sim} x={DOTS * Math.cos(angle)} y={DOTS * Math.sin(angle)} />
      ))}
    </g>
  );
}

function Dot({
  sim,
  x,
  y,
}: {
  readonly sim: (typeof sims.value)[number];
  readonly x: number;
  readonly y: number;
}) {
  const { shard, state } = sim.view.value;
  const focus = hovered.value;
  const away = state !== "connected" && state !== "paused";
  const color = colorOf.value(shard);
  return (
    <circle
      cx={x}
      cy={y}
      r={away ? 3.4 : 2.4}
      class={focus === undefined || focus === shard ? "" : "faded"}
      fill={away ? "none" : color}
      stroke={away ? "var(--text)" : "none"}
    />
  );
}

/** What is pointed at, else the whole. */
function Centre() {
  const shard = shards.value.find(({ id }) => id === hovered.value);
  if (shard !== undefined) {
    return (
      <g class="centre">
        <text class="centre-small" y="-38">
          {shard.region} · weight {shard.weight} · {shard.state}
        </text>
        <text class="centre-large" y="-4">
          {shard.id}
        </text>
        <text class="centre-line" y="24">
          {percent(shard.share)} of the ring
        </text>
        <text class="centre-line" y="44">
          {shard.sessions === null ? "sessions unknown" : plural(shard.sessions, "session")}
        </text>
      </g>
    );
  }
  const sessions = shards.value.reduce((sum, one) => sum + (one.sessions ?? 0), 0);
  return (
    <g class="centre">
      <text class="centre-small" y="-38">
        epoch
      </text>
      <text class="centre-huge" y="6">
        {feed.value.descriptor?.epoch ?? "–"}
      </text>
      <text class="centre-line" y="36">
        {plural(sessions, "session")}
      </text>
      <text class="centre-line" y="56">
        {plural(shards.value.filter(({ state }) => state !== "leaving").length, "shard")}
      </text>
    </g>
  );
}

function Marker({ typed }: { readonly typed: string }) {
  const present = ring.value;
  if (present === undefined) return null;
  const slot = present.slot(typed);
  const owner = present.ownerOfSlot(
    slot,
    shownRegion.value === "" ? present.descriptor.defaultRegion : shownRegion.value,
  );
  const degrees = (slot / 65_536) * 360;
  return (
    <g class="marker" style={{ transform: `rotate(${degrees}deg)` }}>
      <line y1="-100" y2="-207" stroke={colorOf.value(owner?.id)} />
      <circle cy="-181" r="6.5" fill={colorOf.value(owner?.id)} />
      <path d="M-5-209 5-209 0-199Z" />
    </g>
  );
}
