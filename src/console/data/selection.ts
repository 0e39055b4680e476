import { computed, signal } from "@preact/signals";
import { ring } from "./store.ts";

/** The shard under the pointer or with the focus, which all parts of the page highlight. */
export const hoveredShard = signal<string | undefined>(undefined);

/** The region that the operator has chosen; empty for all regions. */
export const chosenRegion = signal("");

/** The region that the ring shows. A chosen region without a ring counts as all regions. */
export const shownRegion = computed(() =>
  ring.value?.regions().includes(chosenRegion.value) === true ? chosenRegion.value : "",
);
