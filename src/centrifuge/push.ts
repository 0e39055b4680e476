import type { ClientInfo } from "./reply.ts";
import type { Said } from "../contracts/delivery.ts";
import type { Tags } from "../policy/tags-filter.ts";
import { UNSUBSCRIBES, type UnsubscribeName } from "./codes.ts";

/** The JSON text of a publication without its offset: encoded once, where it is published. */
export function encodePublication(publication: {
  readonly data: unknown;
  readonly info?: ClientInfo;
  readonly tags?: Tags;
}): string {
  return JSON.stringify(publication);
}

/** The JSON text of a join or a leave. */
export function encodePresenceEvent(info: ClientInfo): string {
  return JSON.stringify({ info });
}

/** A publication as clients see it; with its offset where it is kept. */
export function encodeEntry(entry: Said, durable: boolean): string {
  return entry.kind === "pub" && durable
    ? `${entry.body.slice(0, -1)},"offset":${entry.offset}}`
    : entry.body;
}

/** One line of a frame for whoever listens to the channel. `channel` is the name as JSON text. */
export function encodePush(channelJson: string, entry: Said, durable: boolean): string {
  const field = entry.kind === "passing" ? "pub" : entry.kind;
  return `{"push":{"channel":${channelJson},"${field}":${encodeEntry(entry, durable)}}}`;
}

/** A message to the client itself, of no channel. `data` is JSON text. */
export const encodeMessage = (data: string): string => `{"push":{"message":{"data":${data}}}}`;

/** A publication that is JSON text already. */
export const encodePublicationPush = (channel: string, publication: string): string =>
  `{"push":{"channel":${JSON.stringify(channel)},"pub":${publication}}}`;

/** The server has subscribed the client; `result` is the subscription's JSON text. */
export const encodeSubscribePush = (channel: string, result: string): string =>
  `{"push":{"channel":${JSON.stringify(channel)},"subscribe":${result}}}`;

export function encodeUnsubscribe(channel: string, why: UnsubscribeName): string {
  return JSON.stringify({ push: { channel, unsubscribe: UNSUBSCRIBES[why] } });
}
