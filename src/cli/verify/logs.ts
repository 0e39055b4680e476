import type { ClusterApi } from "../cluster-api.ts";
import { UNSEEN, type Heard, type Hearing } from "./judge.ts";

type Page = {
  readonly publications: readonly { readonly offset: number; readonly data: { readonly id: string } }[];
  readonly offset: number;
};

/** The log of one channel from its first publication on, and how many publications the channel still keeps. */
export type ChannelLog = { readonly log: readonly Heard[]; readonly keeps: number };

/**
 * A channel keeps a part of its log. The rest is put together from the answers to the publishers and from what the
 * listeners heard, and {@link UNSEEN} stands for a publication of which neither tells.
 */
export async function readLog(
  api: ClusterApi,
  channel: string,
  {
    offsets,
    hearings,
  }: { readonly offsets: ReadonlyMap<number, string>; readonly hearings: readonly Hearing[] },
): Promise<ChannelLog> {
  const page = await api.command<Page>("history", { channel, limit: -1 });
  const known = new Map(offsets);
  for (const one of hearings)
    if (one.channel === channel)
      for (const { offset, id } of one.heard) if (!known.has(offset)) known.set(offset, id);
  // The channel itself has the last word.
  for (const { offset, data } of page.publications) known.set(offset, data.id);
  const log = Array.from({ length: page.offset }, (_, n) => ({
    offset: n + 1,
    id: known.get(n + 1) ?? UNSEEN,
  }));
  return { log, keeps: page.publications.length < page.offset ? page.publications.length : Infinity };
}
