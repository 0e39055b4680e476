import { io } from "socket.io-client";
import { FIRST_CONNECT, MOVED } from "../model/sim-client-view.ts";
import { clusterUrl } from "../model/cluster-url.ts";
import { CONNECT_TIMEOUT_MS, type SimLink, type SimLinkParts } from "./sim-link.ts";

/** A lost connection comes back as soon as one of the Centrifuge SDK does. */
const RECONNECT_MS = { reconnectionDelay: 500, reconnectionDelayMax: 5_000 };
/** A lost connection whose close has no code. */
const LOST = 1006;

/**
 * A stock Socket.IO client of the main namespace. It asks the server for its room with the events `join` and `leave`, as
 * the server of `npm start` takes them; with another server it is in no room.
 */
export function linkSocketIo(parts: SimLinkParts): SimLink {
  const { key, target, path, newToken, step, receive } = parts;
  let { token } = parts;
  let isPaused = false;
  const socket = io({
    // Each client has a socket of its own.
    forceNew: true,
    path: clusterUrl(location.href, path.slice(1)).pathname,
    autoConnect: false,
    transports: ["websocket"],
    query: { key, token },
    timeout: CONNECT_TIMEOUT_MS,
    ...RECONNECT_MS,
  });
  const { io: manager } = socket;
  socket.on("connect", () => {
    step({ kind: "connected", shard: shardOf(socket.id) });
    if (!isPaused) socket.emit("join", target);
  });
  socket.on("disconnect", (reason, details) => {
    if (!socket.active) return step({ kind: "disconnected", byHand: reason === "io client disconnect" });
    step({ kind: "connecting", code: codeOf(details) });
  });
  socket.on("connect_error", () => {
    if (socket.active) return step({ kind: "refused" });
    // A middleware has refused the client, and the SDK does not try again.
    step({ kind: "disconnected", byHand: false });
  });
  const renewToken = async (): Promise<void> => {
    token = await newToken();
    manager.opts.query = { key, token };
  };
  // The token of the address may be too old.
  manager.on("reconnect_error", () => void renewToken().catch(() => undefined));
  socket.onAny((_event: string, ...args: unknown[]) => receive({ data: args.find(hasTime) }));
  return {
    isStopped: () => !socket.active,
    connect() {
      if (socket.active) return;
      step({ kind: "connecting", code: FIRST_CONNECT });
      socket.connect();
    },
    disconnect() {
      const wasConnected = socket.connected;
      socket.disconnect();
      // The SDK emits no event for a client that has no connection.
      if (!wasConnected) step({ kind: "disconnected", byHand: true });
    },
    pause() {
      isPaused = true;
      if (socket.connected) socket.emit("leave", target);
    },
    resume() {
      isPaused = false;
      if (socket.connected) socket.emit("join", target);
    },
  };
}

/** The id of a socket names its shard: `<region>.<shard>~<random>`. */
const shardOf = (id: string | undefined): string | undefined => /^[a-z-]+\.(.+)~/.exec(id ?? "")?.[1];

/** The code of the close that has ended a connection. */
function codeOf(details: unknown): number {
  if (typeof details !== "object" || details === null || !("context" in details)) return LOST;
  const { context } = details;
  return context instanceof CloseEvent && context.code === MOVED ? MOVED : LOST;
}

const hasTime = (arg: unknown): boolean => typeof arg === "object" && arg !== null && "sentAt" in arg;
