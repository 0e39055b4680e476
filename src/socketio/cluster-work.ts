import { shardAddress, type ShardAddress } from "../contracts/address.ts";
import { CONTRACT } from "../contracts/version.ts";
import { shardStub, within } from "../platform/calls.ts";
import type { ClusterWork } from "./broadcaster.ts";
import { FRONT, roomChannel } from "./names.ts";
import { logError } from "../platform/logger.ts";
import { encodeMessage } from "./message.ts";
import { publishWith, type PublishParts } from "./publish.ts";
import { encodeQuestion, type Question } from "./question.ts";

/** How long a shard has for its answer about its sockets. */
const ASK_MS = 5_000;
/** The longest answer: a call between objects holds 32 MiB. */
const ANSWER_CHARS = 8_388_608;

type Named = Pick<ShardAddress, "region" | "id">;

export type ClusterWorkParts = Omit<PublishParts, "isMember"> & {
  readonly shards: () => Promise<readonly Named[]> | readonly Named[];
  /** The shard that asks, if it is one. */
  readonly here?: { readonly shard: Named; readonly answer: (question: string) => Promise<string> };
};

/** Reaches the sockets of all shards, from a shard or from any other code of the Worker (SPEC SO12). */
export function clusterWork(parts: ClusterWorkParts): ClusterWork {
  const { env, shards, here } = parts;
  const isHere = (shard: Named): boolean => here !== undefined && isSame(here.shard, shard);
  const askOne = async (shard: Named, question: string): Promise<unknown> => {
    const answer = isHere(shard)
      ? here?.answer(question)
      : shardStub(env, shardAddress(FRONT, shard)).askFront(question, CONTRACT);
    return JSON.parse((await answer) ?? "null") as unknown;
  };
  const ask: ClusterWork["ask"] = async (question, { local }) => {
    checkNames(question);
    if (local === true && here === undefined)
      throw new Error("only handlers have local sockets: this code runs in no shard");
    const asked = local === true && here !== undefined ? [here.shard] : await shards();
    const text = encodeQuestion(partOf(question, asked.length));
    try {
      return await Promise.all(asked.map((shard) => within(ASK_MS, askOne(shard, text))));
    } catch (error) {
      logError("shards could not be asked about sockets", {
        question: question.kind,
        namespace: question.nsp,
        error,
      });
      throw error;
    }
  };
  const publish = publishWith({
    ...parts,
    isMember: async (named) => (await shards()).some((shard) => isSame(shard, named)),
  });
  return {
    ask,
    publish: async (target, args, flags) => {
      if (flags.local !== true) return publish(target, args, flags);
      const { volatile } = flags;
      const message = encodeMessage(target.nsp, args, volatile === true ? { volatile } : {});
      await ask({ kind: "send", ...target, message }, flags);
    },
  };
}

const isSame = (one: Named, other: Named): boolean => one.region === other.region && one.id === other.id;

/** The answers of all shards together have a bound, and each shard has its part of it. */
const partOf = (question: Question, shards: number): Question =>
  question.kind === "fetch"
    ? { ...question, chars: Math.min(ANSWER_CHARS, Math.floor(question.chars / shards)) }
    : question;

/** Throws `URIError` for a name that is no text, before any shard is asked. */
function checkNames(question: Question): void {
  if (question.kind === "emit") return;
  for (const room of [...question.rooms, ...question.except]) roomChannel(question.nsp, room);
}
