import type { PublishRequest } from "../contracts/log.ts";
import type { ChannelLogParts } from "./channel-log-parts.ts";
import type { Appended, Log } from "./log.ts";

/**
 * Stores the events of some publications in the transaction of their append; undefined where nobody wants to hear of them.
 * A publication whose event could not be stored is not stored either: the repeated call would find it and tell nobody.
 */
export function reportPublished(
  { ctx, onPublished }: Pick<ChannelLogParts, "ctx" | "onPublished">,
  { durable }: Pick<Log, "durable">,
  publications: readonly PublishRequest[],
): ((appended: readonly Appended[]) => void) | undefined {
  if (onPublished === undefined) return undefined;
  return (appended) =>
    ctx.storage.transactionSync(() => {
      for (const [n, publication] of publications.entries()) {
        const one = appended[n];
        if (one !== undefined && isNew(one))
          onPublished(publication.body, durable && isKept(publication) ? one.offset : null);
      }
    });
}

/** Whether a publication is stored where its namespace keeps history. */
export const isKept = ({ passing }: PublishRequest): boolean => passing !== true;

export const isNew = ({ repeated, refused }: Appended): boolean => !repeated && refused === null;
