/** The protocols of the servers, as text frames. The load generator makes and reads them with little work. */

export type Since = { readonly offset: number; readonly epoch: string };
export type Greeting = {
  readonly channels: readonly string[];
  readonly token: string;
  /** For a resume: the position of the client in its one channel. */
  readonly since?: Since;
};

export type Dialect = {
  readonly path: (key: string) => string;
  /** Frames to send when the socket is open. */
  readonly greet: (greeting: Greeting) => string;
  /** What follows in answer to a frame before the welcome. */
  readonly next?: (frame: string, greeting: Greeting) => string | undefined;
  /** Whether a frame answers the last request of the greeting. */
  readonly isWelcome: (frame: string, greeting: Greeting) => boolean;
  readonly publish: (channel: string, data: string) => string;
  /** A message to the one client of this key. */
  readonly direct: (key: string, data: string) => string;
  readonly ping: string | null;
  readonly pong: string;
};

const plain = (path: (key: string) => string): Dialect => ({
  path,
  greet: () => "hello",
  isWelcome: (frame) => frame === "welcome",
  publish: (channel, data) => (channel.startsWith("kept:") ? `keep ${data}` : `all ${data}`),
  direct: (key, data) => `to ${key} ${data}`,
  ping: null,
  pong: "",
});

function subscribes({ channels, since }: Greeting): string[] {
  const resume = since === undefined ? {} : { recover: true, ...since };
  return channels.map((channel, n) => JSON.stringify({ id: n + 2, subscribe: { channel, ...resume } }));
}

const centrifuge = (path: string): Dialect => ({
  path: (key) => `${path}?key=${key}`,
  greet: (greeting) =>
    [JSON.stringify({ id: 1, connect: { token: greeting.token } }), ...subscribes(greeting)].join("\n"),
  isWelcome: (frame, { channels }) =>
    frame.startsWith(`{"id":${channels.length + 1},`) && !frame.includes('"error"'),
  publish: (channel, data) => `{"id":9,"publish":{"channel":"${channel}","data":"${data}"}}`,
  direct: (key, data) => `{"id":9,"publish":{"channel":"live:${key}","data":"${data}"}}`,
  ping: "{}",
  pong: "{}",
});

export const DIALECTS = {
  bare: plain((key) => `/?key=${key}`),
  /** A message to one client goes through a second object. */
  "bare, two hops": {
    ...plain((key) => `/?key=${key}`),
    direct: (key: string, data: string) => `via ${key} ${data}`,
  },
  partyserver: plain((key) => `/parties/main/room?_pk=${key}`),
  ws: plain((key) => `/?key=${key}`),
  "socket.io": {
    path: (key) => `/socket.io/?EIO=4&transport=websocket&key=${key}`,
    greet: () => "40",
    isWelcome: (frame) => frame.startsWith("40"),
    publish: (_channel, data) => `42["all","${data}"]`,
    direct: (key, data) => `42["to","${key}","${data}"]`,
    ping: "2",
    pong: "3",
  },
  /** The same with channels as rooms, which a client asks to join when it is in its namespace. */
  "socket.io, rooms": {
    path: (key) => `/socket.io/?EIO=4&transport=websocket&key=${key}`,
    greet: () => "40",
    next: (frame, { channels }) =>
      frame.startsWith("40") && channels.length > 0
        ? `420${JSON.stringify(["join", ...channels])}`
        : undefined,
    isWelcome: (frame, { channels }) => frame.startsWith(channels.length > 0 ? "430" : "40"),
    publish: (channel, data) => `42["room","${channel}","${data}"]`,
    direct: (key, data) => `42["to","${key}","${data}"]`,
    ping: "2",
    pong: "3",
  },
  ringcast: centrifuge("/connection/websocket"),
  /** The same shard, without our router in front of it (workers/ringcast.ts). */
  "ringcast, no router": centrifuge("/direct"),
} satisfies Record<string, Dialect>;

export type DialectName = keyof typeof DIALECTS;
