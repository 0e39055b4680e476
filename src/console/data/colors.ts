import { computed } from "@preact/signals";
import { colorAt, colorIndex } from "../model/palette.ts";
import { theme } from "./theme.ts";

/** Where a client is on no shard. */
const NO_SHARD = "#8b95a5";

/** The function from a shard's id to its colour in the present theme. */
export const colorOf = computed(() => {
  const presentTheme = theme.value;
  return (shard: string | undefined): string =>
    shard === undefined ? NO_SHARD : colorAt(colorIndex(shard), presentTheme);
});
