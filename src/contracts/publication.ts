import { findPart } from "./json-text.ts";

export type Tags = Readonly<Record<string, string>>;

/** The client that a publication, a join or a presence entry speaks of. `user` and `client` are present even when empty. */
export type ClientInfo = {
  readonly user: string;
  readonly client: string;
  readonly conn_info?: unknown;
  readonly chan_info?: unknown;
};

/** One client of a channel; `info` is its {@link ClientInfo} as JSON text. */
export type Present = { readonly client: string; readonly user: string; readonly info: string };

/**
 * A publication as it is stored and delivered. `body` is the JSON text of `{data, info?, tags?}`, encoded once, where
 * the publication is made. `data` comes first and stays as it was sent (SPEC CE4). The words of the publisher's front to
 * itself come last, see {@link readForFront}.
 */
export type Publication = {
  readonly kind: "pub";
  readonly offset: number;
  readonly body: string;
  /** When it was published, ms since 1970; unknown of what was read from the log again. */
  readonly at?: number;
};

/**
 * One thing that the clients of a channel hear, in the channel's order; `body` is JSON text. `passing` is a publication
 * without an offset that is not kept, in a channel whose others are.
 */
export type ClientEvent =
  | Publication
  | { readonly kind: "join" | "leave" | "passing"; readonly body: string };

/** One thing that a channel tells its shards. `cleared`: the channel's history was dropped, and every memory of it with it. */
export type ChannelEvent = ClientEvent | { readonly kind: "cleared"; readonly body: "" };

/**
 * The most text of publications in one call between objects (SPEC BD5). A call has at most 32 MiB when it is serialised
 * (docs/platform.md P28), where a character takes one or two bytes; a publication itself has at most 2 MB.
 */
export const CALL_BYTES = 4 * 1_048_576;

/** The longest body. A row holds at most 2 MB (docs/platform.md P18); the rest is room for its other columns. */
export const MAX_BODY_BYTES = 2_000_000;

/** A place in a channel's log: the offset of the last publication before it. */
export type Position = { readonly logEpoch: string; readonly offset: number };

/** The newest end of a log: `publications` are contiguous and end with `top`; none when the log holds none. */
export type LogView = {
  readonly logEpoch: string;
  readonly top: number;
  readonly publications: readonly Publication[];
};

/** `json` is the text of the data. `forFront`: words of a front to itself, which clients do not see. */
export function encodePublication({
  json,
  forFront,
  ...rest
}: {
  readonly json: string;
  readonly info?: ClientInfo;
  readonly tags?: Tags;
  readonly forFront?: object;
}): string {
  const fields = JSON.stringify(rest);
  const body = fields === "{}" ? `{"data":${json}}` : `{"data":${json},${fields.slice(1)}`;
  return forFront === undefined ? body : `${body.slice(0, -1)}${FOR_FRONT}${JSON.stringify(forFront)} }`;
}

const FOR_FRONT = ',"forFront":';

/** A space before the last brace. No value ends with one, so a body is known without a look at the whole of it. */
const hasForFront = (body: string): boolean => body.charCodeAt(body.length - 2) === 0x20;

/** The words of a front to itself; undefined where a publication has none. */
export const readForFront = (body: string): unknown =>
  hasForFront(body) ? (JSON.parse(body) as { readonly forFront: unknown }).forFront : undefined;

/** The body of a publication as clients may see it (SPEC SO51). */
export const forClients = (body: string): string =>
  hasForFront(body) ? `${body.slice(0, body.lastIndexOf(FOR_FRONT))}}` : body;

/** The text of a publication's data, and the text of its other fields: empty, or fields that begin with a comma. */
export function splitPublication(body: string): { readonly json: string; readonly rest: string } {
  const data = findPart(body, ["data"]);
  if (data === undefined) throw new Error("a publication has no data");
  return { json: body.slice(data.start, data.end), rest: body.slice(data.end, -1) };
}

/** The body of a join or a leave. */
export const encodePresenceEvent = (info: ClientInfo): string => JSON.stringify({ info });

/** A client as others see it: `connInfo` comes from its token, `chanInfo` from its subscription. */
export const describeClient = (client: {
  readonly id: string;
  readonly user: string;
  readonly connInfo?: unknown;
  readonly chanInfo?: unknown;
}): ClientInfo => ({
  user: client.user,
  client: client.id,
  ...(client.connInfo === undefined ? {} : { conn_info: client.connInfo }),
  ...(client.chanInfo === undefined ? {} : { chan_info: client.chanInfo }),
});
