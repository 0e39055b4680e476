import { computed } from "@preact/signals";
import { assignColors, colorAt } from "../model/palette.ts";
import { preview } from "./change.ts";
import { cluster, feed } from "./store.ts";
import { theme } from "./theme.ts";

/** For a shard that is in no ring that the page knows. */
const UNKNOWN_SHARD = "#8b95a5";

let assigned: ReadonlyMap<string, number> = new Map();

const colorIndexes = computed(() => {
  const members = feed.value.descriptor?.shards.map(({ id }) => id) ?? [];
  const planned = preview.value?.shards.map(({ id }) => id) ?? [];
  const leaving = cluster.value?.shards.flatMap(({ id, state }) => (state === "leaving" ? [id] : [])) ?? [];
  assigned = assignColors(assigned, [...members, ...leaving, ...planned]);
  return assigned;
});

/** The function from a shard's id to its colour in the present theme. */
export const colorOf = computed(() => {
  const indexes = colorIndexes.value;
  const presentTheme = theme.value;
  return (shard: string | undefined): string => {
    const index = shard === undefined ? undefined : indexes.get(shard);
    return index === undefined ? UNKNOWN_SHARD : colorAt(index, presentTheme);
  };
});
