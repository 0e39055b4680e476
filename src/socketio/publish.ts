import { shardAddress, type ShardAddress } from "../contracts/address.ts";
import { encodePublication } from "../contracts/publication.ts";
import { CONTRACT } from "../contracts/version.ts";
import { shardStub } from "../platform/calls.ts";
import { logError } from "../platform/logger.ts";
import type { Publisher } from "../platform/publisher.ts";
import type { Publish } from "./broadcaster.ts";
import { encodeMessage, type Message } from "./message.ts";
import { FRONT, namespaceChannel, roomChannel, shardOfSocket } from "./names.ts";
import { encodeQuestion } from "./question.ts";

/** The longest message: a publication and a call between objects stay far below their limits. */
const MESSAGE_CHARS = 1_048_576;

export type PublishParts = {
  readonly env: Cloudflare.Env;
  readonly publisher: Publisher;
  readonly channelBytes: number;
  /** Whether the ring has such a shard: a client may make up the id of a socket. */
  readonly isMember: (shard: Pick<ShardAddress, "region" | "id">) => Promise<boolean> | boolean;
};

/**
 * Sends events to rooms: one call to the channel of each room, and one to the shard of each socket that is named by its
 * id (SPEC SO10, SO11).
 */
export function publishWith(parts: PublishParts): Publish {
  return async ({ nsp, rooms, except }, args, { volatile }) => {
    // A name that is no text would stop the event at every socket that it reaches.
    for (const room of except) channelOfRoom(nsp, room, parts.channelBytes);
    const message = encodeMessage(nsp, args, {
      ...(except.length === 0 ? {} : { except }),
      ...(rooms.length > 1 ? { union: crypto.randomUUID() } : {}),
      ...(volatile ? { volatile } : {}),
    });
    const length = JSON.stringify(message).length;
    if (length > MESSAGE_CHARS)
      throw new Error(`an event has at most ${MESSAGE_CHARS} characters, not ${length}`);
    const channels =
      rooms.length === 0 ? [namespaceChannel(nsp)] : channelsOf(nsp, rooms, parts.channelBytes);
    const results = await Promise.allSettled([
      ...channels.map((channel) => toChannel(parts, channel, message)),
      ...rooms.map((room) => toSocket(parts, { nsp, id: room }, message)),
    ]);
    const failed = results.find((result) => result.status === "rejected");
    if (failed === undefined) return;
    logError("an event could not be emitted", {
      namespace: nsp,
      rooms: rooms.join(" "),
      error: failed.reason,
    });
    throw failed.reason;
  };
}

/** The channel of a room. Throws where the name is too long, or no text. */
export function channelOfRoom(nsp: string, room: string, channelBytes: number): string {
  const channel = roomChannel(nsp, room);
  if (channel.length > channelBytes)
    throw new Error(`the name of the room ${room.slice(0, 40)}... is too long`);
  return channel;
}

const channelsOf = (nsp: string, rooms: readonly string[], channelBytes: number): readonly string[] =>
  rooms
    .filter((room) => shardOfSocket(room) === undefined)
    .map((room) => channelOfRoom(nsp, room, channelBytes));

async function toChannel({ publisher }: PublishParts, channel: string, message: Message): Promise<void> {
  const body = encodePublication({ json: JSON.stringify(message) });
  const published = await publisher.publish(channel, { id: crypto.randomUUID(), body, forRetries: true });
  if (published.refused !== null) throw new Error(`the channel of the room is ${published.refused}`);
}

async function toSocket(
  { env, isMember }: PublishParts,
  { nsp, id }: { readonly nsp: string; readonly id: string },
  message: Message,
): Promise<void> {
  const shard = shardOfSocket(id);
  // A shard that is no member holds no socket, and no object is made for it.
  if (shard === undefined || !(await isMember(shard))) return;
  const question = encodeQuestion({ kind: "emit", nsp, id, message });
  await shardStub(env, shardAddress(FRONT, shard)).askFront(question, CONTRACT);
}
