import type { Config } from "../config/config.ts";
import type { ShardAddress } from "../contracts/address.ts";
import { within } from "../platform/calls.ts";
import { logError } from "../platform/logger.ts";
import { askShard } from "./ask-shard.ts";
import { allOf, atOnce, type ClusterWork } from "./broadcaster.ts";
import { InputError } from "./input-error.ts";
import { encodeMessage, nextStamp } from "./message.ts";
import { namespaceChannel, roomChannel, shardOfSocket } from "./names.ts";
import { MESSAGE_CHARS, publishWith, type PublishParts } from "./publish.ts";
import { encodeQuestion, type Question } from "./question.ts";
import { channelToJoin } from "./shared-rooms.ts";
import { isThenable } from "./running.ts";

/** How long a shard has for its answer about its sockets, besides the time that it is given for answers of others. */
const ASK_MS = 5_000;
/** The longest answer of a shard: a call between objects holds 32 MiB. */
const ANSWER_CHARS = 8_388_608;

type Named = Pick<ShardAddress, "region" | "id">;

export type ClusterWorkParts = PublishParts & {
  readonly shards: () => Promise<readonly Named[]> | readonly Named[];
  /** The shard that asks, if it is one. */
  readonly here?: { readonly shard: Named; readonly answer: (question: string) => Promise<string> };
};

/** Reaches the sockets of all shards, from a shard or from any other code of the Worker (SPEC SO12). */
export function clusterWork(parts: ClusterWorkParts): ClusterWork {
  const { shards, here } = parts;
  // A socket that was recovered keeps its id, and may be on any shard.
  const recoversSockets = parts.config.rooms !== undefined;
  const isHere = (shard: Named): boolean => here !== undefined && isSame(here.shard, shard);
  const askOne = async (shard: Named, question: string, ms: number): Promise<unknown> => {
    const answer =
      here !== undefined && isHere(shard)
        ? within(ms, here.answer(question))
        : askShard(parts, shard, { question, ms });
    return JSON.parse(await answer) as unknown;
  };
  const askedBy = async (question: Question, isLocal: boolean): Promise<readonly Named[]> => {
    if (!isLocal) {
      const all = await shards();
      // As in the package `socket.io`: the other servers.
      if (question.kind === "serverSide") return all.filter((shard) => !isHere(shard));
      const named = recoversSockets ? undefined : shardsNamedBy(question);
      return named === undefined ? all : all.filter((shard) => named.some((one) => isSame(one, shard)));
    }
    if (here === undefined) throw new Error("only handlers have local sockets: this code runs in no shard");
    return [here.shard];
  };
  const ask: ClusterWork["ask"] = async (question, { local }) => {
    checkNames(question, parts.config);
    const asked = await askedBy(question, local === true);
    const text = encodeQuestion(partOf(question, asked.length));
    if (text.length > MESSAGE_CHARS)
      throw new InputError(`an event has at most ${MESSAGE_CHARS} characters, not ${text.length}`);
    const ms = ASK_MS + ("timeoutMs" in question ? (question.timeoutMs ?? 0) : 0);
    const results = await Promise.allSettled(asked.map((shard) => askOne(shard, text, ms)));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) logFailure("shards could not be asked about sockets", question, failed.reason);
    return results;
  };
  const publish = publishWith(parts);
  return {
    ask,
    publish: async (target, args, flags, inTurn = atOnce) => {
      if (flags.local !== true) return publish(target, args, flags, inTurn);
      const { volatile } = flags;
      const message = encodeMessage(target.nsp, args, {
        ...(volatile === true ? { volatile } : {}),
        ...(parts.config.rooms === undefined ? {} : { stamp: nextStamp() }),
      });
      await inTurn(async () => void allOf(await ask({ kind: "send", ...target, message }, flags)));
    },
    run: (event, callback) => {
      const failed = (error: unknown): void => logError("a callback of Socket.IO failed", { event, error });
      try {
        const result = callback();
        if (isThenable(result)) result.then(undefined, failed);
      } catch (error) {
        failed(error);
      }
    },
  };
}

const isSame = (one: Named, other: Named): boolean => one.region === other.region && one.id === other.id;

const logFailure = (message: string, { kind, nsp }: Question, error: unknown): void =>
  logError(message, { question: kind, namespace: nsp, error });

/** Where a question is about sockets by their ids alone, the shards that these name. */
function shardsNamedBy(question: Question): readonly Named[] | undefined {
  if (!("rooms" in question) || question.rooms.length === 0) return undefined;
  const named = question.rooms.map(shardOfSocket);
  return named.some((shard) => shard === undefined)
    ? undefined
    : named.filter((shard) => shard !== undefined);
}

/** The answers of all shards together have a bound, and each shard has its part of it. */
const partOf = (question: Question, shards: number): Question =>
  "chars" in question
    ? { ...question, chars: Math.min(ANSWER_CHARS, Math.floor(question.chars / Math.max(1, shards))) }
    : question;

/** Throws for a name that is no text, and for a room that no socket can join, before any shard is asked. */
function checkNames(question: Question, config: Config): void {
  namespaceChannel(question.nsp);
  if ("rooms" in question)
    for (const room of [...question.rooms, ...question.except]) roomChannel(question.nsp, room);
  if (question.kind === "join") for (const room of question.to) channelToJoin(config, question.nsp, room);
}
