import { colorOf } from "../data/colors.ts";
import { shownRegion } from "../data/selection.ts";
import { ring } from "../data/store.ts";
import { angleOfSlot } from "../model/arcs.ts";

/** A pointer to the slot of the key that the operator has typed, in the colour of the slot's owner. */
export function RingMarker({ markedKey }: { readonly markedKey: string }) {
  const present = ring.value;
  if (present === undefined) return null;
  const slot = present.slot(markedKey);
  const region = shownRegion.value === "" ? present.descriptor.defaultRegion : shownRegion.value;
  const color = colorOf.value(present.ownerOfSlot(slot, region)?.id);
  // The marker is drawn pointing to the top, which is the angle of slot 0.
  const turn = angleOfSlot(slot) - angleOfSlot(0);
  return (
    <g class="marker" style={{ transform: `rotate(${turn}rad)` }}>
      <line y1="-100" y2="-207" stroke={color} />
      <circle cy="-181" r="6.5" fill={color} />
      <path d="M-5-209 5-209 0-199Z" />
    </g>
  );
}
