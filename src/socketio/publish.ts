import type { ShardAddress } from "../contracts/address.ts";
import type { PublishRequest } from "../contracts/log.ts";
import { encodePublication } from "../contracts/publication.ts";
import { logError } from "../platform/logger.ts";
import type { Config } from "../config/config.ts";
import type { Publisher } from "../platform/publisher.ts";
import { askShard, type AskShardParts } from "./ask-shard.ts";
import { atOnce, type ClusterWork } from "./broadcaster.ts";
import { InputError } from "./input-error.ts";
import { encodeMessage, nextStamp, type Message } from "./message.ts";
import { namespaceChannel, shardOfSocket, shardPrefix } from "./names.ts";
import { encodeQuestion, type Question } from "./question.ts";
import { channelOfRoom, encodeShared, isShared } from "./shared-rooms.ts";

/** The longest message: a publication and a call between objects stay far below their limits. */
export const MESSAGE_CHARS = 1_048_576;

export type PublishParts = AskShardParts & {
  readonly publisher: Publisher;
  readonly config: Config;
  /** Whether there is such a shard: a client may make up the id of a socket. */
  readonly isShard: (shard: Pick<ShardAddress, "region" | "id">) => Promise<boolean> | boolean;
};

/**
 * Sends events to rooms: one call to the channel of each room, and one to the shard of each socket that is named by its
 * id (SPEC SO10, SO11).
 */
export function publishWith(parts: PublishParts): ClusterWork["publish"] {
  return async ({ nsp, rooms, except }, args, { volatile }, inTurn = atOnce) => {
    // A name that is no text would stop the event at every socket that it reaches.
    for (const room of except) channelOfRoom(parts.config, nsp, room);
    const how = {
      ...(except.length === 0 ? {} : { except }),
      ...(rooms.length > 1 ? { union: crypto.randomUUID() } : {}),
      ...(volatile === true ? { volatile } : {}),
      // Sockets may be recovered: events tell when they were sent.
      ...(parts.config.rooms === undefined ? {} : { stamp: nextStamp() }),
    };
    const message = encodeMessage(nsp, args, how);
    const body = encodePublication({ json: JSON.stringify(message) });
    const channels = rooms.length === 0 ? [namespaceChannel(nsp)] : channelsOf(parts.config, nsp, rooms);
    const bodyOfShared = channels.some(isShared) ? encodeShared(args, how) : "";
    const length = Math.max(body.length, bodyOfShared.length);
    if (length > MESSAGE_CHARS)
      throw new InputError(`an event has at most ${MESSAGE_CHARS} characters, not ${length}`);
    await inTurn(async () => {
      const results = await Promise.allSettled([
        ...channels.map((channel) =>
          toChannel(parts, channel, {
            body: isShared(channel) ? bodyOfShared : body,
            ...(volatile === true ? { passing: true } : {}),
          }),
        ),
        ...idsByShard(rooms).map((ids) => toSockets(parts, { nsp, ids }, message)),
      ]);
      const failed = results.find((result) => result.status === "rejected");
      if (failed === undefined) return;
      logError("an event could not be emitted", {
        namespace: nsp,
        rooms: rooms.join(" "),
        error: failed.reason,
      });
      throw failed.reason;
    });
  };
}

const channelsOf = (config: Config, nsp: string, rooms: readonly string[]): readonly string[] =>
  rooms.filter((room) => shardOfSocket(room) === undefined).map((room) => channelOfRoom(config, nsp, room));

async function toChannel(
  { publisher }: PublishParts,
  channel: string,
  publication: Pick<PublishRequest, "body" | "passing">,
): Promise<void> {
  const published = await publisher.publish(channel, {
    id: crypto.randomUUID(),
    ...publication,
    forRetries: true,
  });
  if (published.refused !== null) throw new Error(`the channel of the room is ${published.refused}`);
}

/** Those of the rooms that are ids of sockets, by the shards that they name. */
function idsByShard(rooms: readonly string[]): (readonly string[])[] {
  const ids = new Map<string, string[]>();
  for (const room of rooms) {
    const shard = shardOfSocket(room);
    if (shard === undefined) continue;
    const prefix = shardPrefix(shard);
    const others = ids.get(prefix);
    if (others === undefined) ids.set(prefix, [room]);
    else others.push(room);
  }
  return [...ids.values()];
}

/** `ids`: of one shard. */
async function toSockets(
  parts: PublishParts,
  { nsp, ids }: { readonly nsp: string; readonly ids: readonly string[] },
  message: Message,
): Promise<void> {
  const [id = ""] = ids;
  const shard = shardOfSocket(id);
  // No object is made for a shard that a client has made up.
  if (shard === undefined || !(await parts.isShard(shard))) return;
  // The later emits of a client wait for it (SPEC BD101).
  const ask = (question: Question): Promise<string> => {
    const { deliveryTimeoutMs: ms } = parts.config.cluster.times;
    return askShard(parts, shard, { question: encodeQuestion(question), ms });
  };
  // Sockets that may be recovered are each looked for. Any others cost one call: a client may send a list of names.
  if (parts.config.rooms === undefined && ids.length > 1)
    await ask({ kind: "send", nsp, rooms: ids, except: [], message });
  else await Promise.all(ids.map((one) => ask({ kind: "emit", nsp, id: one, message })));
}
