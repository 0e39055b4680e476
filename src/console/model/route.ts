/** The pages of the console, each with an address of its own behind the `#` (SPEC OP17). */
export const PAGES = {
  overview: "Overview",
  shards: "Shards",
  channels: "Channels",
  sessions: "Sessions",
  socketio: "Socket.IO",
  changes: "Changes",
  health: "Health",
  cost: "Cost",
  configuration: "Configuration",
} as const;

export type PageName = keyof typeof PAGES;

/** `item`: the one thing that the page is about, such as a channel; empty for none. `query`: filters and order. */
export type Route = {
  readonly page: PageName;
  readonly item: string;
  readonly query: Readonly<Record<string, string>>;
};

/** Reads the part of an address from its `#` on: `#/channels/lobby`. An address that says nothing is the overview's. */
export function readRoute(hash: string): Route {
  const [path, query] = splitOnce(hash.replace(/^#/u, ""), "?");
  const [, name = "", ...rest] = path.split("/");
  const page = Object.hasOwn(PAGES, name) ? (name as PageName) : "overview";
  return { page, item: decode(rest.join("/")), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a page, from the `#` on. Empty values of the query are left out. */
export function hashOf({ page, item = "", query = {} }: Partial<Route> & Pick<Route, "page">): string {
  const path = page === "overview" ? "/" : `/${page}${item === "" ? "" : `/${encodeURIComponent(item)}`}`;
  const filled = Object.entries(query).filter(([, value]) => value !== "");
  const search = new URLSearchParams(filled).toString();
  return `#${path}${search === "" ? "" : `?${search}`}`;
}

function splitOnce(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** An address that somebody has typed may hold a `%` that encodes nothing. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
