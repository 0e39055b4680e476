import type { SimObject } from "./objects.ts";
import { PLATFORM } from "./platform-limits.ts";
import type { ServerSocket } from "./sockets.ts";
import type { World } from "./world.ts";

/** The `ctx` that the platform gives to an object when a life of it begins. */
export function contextOf(world: World, name: string, object: SimObject): object {
  const { storage, sockets } = object;
  return {
    id: { name: name.slice(name.indexOf(" ") + 1) },
    storage: storage.ofLife(),
    waitUntil: (promise: Promise<unknown>) => void promise.catch(() => undefined),
    blockConcurrencyWhile: <T>(run: () => Promise<T>): Promise<T> => run(),
    abort: () => world.crash(name),
    setWebSocketAutoResponse: (pair?: { readonly request: string }) => {
      object.answeredAlone = pair?.request;
    },
    acceptWebSocket: (socket: ServerSocket, tags: readonly string[] = []) => {
      if (sockets.size >= PLATFORM.sockets)
        throw new Error("only 32768 websockets can be accepted on a single Durable Object instance");
      if (tags.length > PLATFORM.tags || tags.some(({ length }) => length > PLATFORM.tagChars))
        throw new TypeError("too many tags, or a tag that is too long");
      socket.tags = tags;
      world.addSocket(name, socket);
    },
    // The newest first, and the oldest first with a tag.
    getWebSockets: (tag?: string) => {
      const listed = [...sockets].filter(({ isListed }) => isListed);
      return tag === undefined ? listed.toReversed() : listed.filter(({ tags }) => tags.includes(tag));
    },
    getTags: (socket: ServerSocket) => [...socket.tags],
    getWebSocketAutoResponseTimestamp: (socket: ServerSocket) =>
      socket.answeredAt === 0 ? null : new Date(socket.answeredAt),
  };
}
