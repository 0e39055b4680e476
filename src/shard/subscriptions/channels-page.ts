import type { ChannelsPage, ChannelsQuery } from "../../contracts/shard.ts";
import { fits } from "../../policy/glob.ts";

/** One page of a shard's channels, in the order of their names; the first fits always (SPEC BD65). */
export function pageOfChannels(
  counts: Iterable<readonly [channel: string, listeners: number]>,
  { pattern, after, names, bytes }: ChannelsQuery,
): ChannelsPage {
  const matching = [...counts].filter(([name]) => name > after && (pattern === "" || fits(pattern, name)));
  matching.sort(([one], [other]) => (one < other ? -1 : 1));
  let [count, size] = [0, 0];
  for (const [name] of matching) {
    size += name.length;
    if (count === names || (count > 0 && size > bytes)) break;
    count += 1;
  }
  return { channels: new Map(matching.slice(0, count)), more: count < matching.length };
}
