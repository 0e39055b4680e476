import type { CodeKind, Pulse } from "../../contracts/live.ts";

/** Counts of codes over all shards since the page has begun to listen, by kind and code. */
export type CodeTotals = Readonly<Record<CodeKind, ReadonlyMap<string, number>>>;

export const NO_CODES: CodeTotals = { close: new Map(), error: new Map(), refusal: new Map() };

/** The page keeps so many codes of a kind; a shard already tells few. */
const MAX_CODES = 100;

export function addCodes(totals: CodeTotals, { codes }: Pick<Pulse, "codes">): CodeTotals {
  if (codes === undefined) return totals;
  const sums = {
    close: new Map(totals.close),
    error: new Map(totals.error),
    refusal: new Map(totals.refusal),
  };
  for (const { kind, code, count } of codes) {
    const ofKind = sums[kind];
    const name = ofKind.has(code) || ofKind.size < MAX_CODES ? code : "other";
    ofKind.set(name, (ofKind.get(name) ?? 0) + count);
  }
  return sums;
}

export type CodeRow = { readonly code: string; readonly meaning: string; readonly count: number };

/** The codes of a kind, the most frequent first. */
export const codeRows = (kind: CodeKind, totals: CodeTotals): CodeRow[] =>
  [...totals[kind]]
    .map(([code, count]) => ({
      code,
      meaning: MEANINGS[kind].get(code) ?? "a code of the application",
      count,
    }))
    .toSorted((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));

/** In words for an operator; the codes themselves are in docs/protocol.md and SPEC.md. */
const MEANINGS: Record<CodeKind, ReadonlyMap<string, string>> = {
  close: new Map([
    ["1000", "the client has left"],
    ["1001", "the client has gone away, such as a closed page"],
    ["1005", "the client has left without a code"],
    ["1006", "the connection broke without a close frame"],
    ["1009", "the client has sent too large a message"],
    ["1011", "the socket has failed"],
    ["3004", "the shard has failed to serve the session"],
    ["3005", "the connection's token has expired"],
    ["3006", "the token of a subscription has expired"],
    ["3008", "the client reads too slowly"],
    ["3010", "the shard does not know any more where the session was"],
    ["3012", "the client has not answered a ping"],
    ["3013", "the client has sent too much"],
    ["3500", "the token is not valid"],
    ["3501", "the client has sent what it may not, or connects without a token"],
    ["3502", "the client has opened a socket and not connected"],
    ["3503", "an operator or a back end has disconnected the client"],
    ["3504", "the user has as many connections as it may"],
    ["3505", "the client has as many channels as it may"],
    ["3507", "the user may not use this key"],
    ["3508", "the client asks for what is not available"],
    ["4001", "the ring has changed, and another shard owns the session"],
    ["other", "further codes"],
  ]),
  error: new Map([
    ["100", "the shard, a hook or a schema has failed"],
    ["101", "the request needs an identity"],
    ["102", "no namespace has the channel"],
    ["103", "the namespace or a hook does not permit it"],
    ["104", "there is no such method"],
    ["105", "the client is subscribed already"],
    ["106", "a limit is reached"],
    ["107", "the request cannot be read, or the data does not fit the schema"],
    ["108", "the channel does not offer it"],
    ["109", "the token has expired"],
    ["110", "the connection has expired"],
    ["111", "too many requests at once"],
    ["112", "the position cannot be recovered"],
    ["other", "further codes"],
  ]),
  refusal: new Map([
    ["misdirected", "the router had an older ring, and has asked the right shard"],
    ["behind", "the shard had an older ring, and was shown the newer one"],
    ["full", "the shard has no room, and the next owner was asked"],
    ["busy", "upgrades came faster than a shard takes them; the client comes again"],
    ["foreignOrigin", "the page's origin is not in `allowedOrigins`"],
    ["tooManyConnections", "an address connects too often"],
    ["tooManyRequests", "too many requests with this key or from this address"],
    ["noKey", "a request to an API had no key"],
    ["wrongKey", "a request to an API had a key that is not valid"],
    ["readOnly", "a request would have changed something with a reading key"],
    ["badKey", "the affinity key cannot be read"],
    ["badToken", "the token of an upgrade cannot be read"],
    ["badRequest", "a request to an API cannot be read"],
    ["jsonOnly", "the client asked for a protocol other than JSON, or sent something else"],
    ["upgradeRequired", "the address of the sockets was opened as a page"],
    ["methodNotAllowed", "the address does not take this method"],
    ["tooLarge", "a request to an API was too large"],
    ["unavailable", "no shard took the connection in time"],
    ["badConfiguration", "a setting of the deployment is wrong"],
    ["internal", "the router has failed; its log has the reason"],
    ["other", "further reasons"],
  ]),
};
