import type * as z from "zod";
import { encodeKept } from "../../centrifuge/frames.ts";
import { keepsHistory } from "../../config/namespace.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { homeStub } from "../../platform/calls.ts";
import { homeOf } from "../../policy/channels.ts";
import { fail, JsonResult, ok, type Answer } from "./answer.ts";
import { askChannel } from "./ask-channel.ts";
import type { Call } from "./method.ts";
import type { channelParams } from "./schemas/fields.ts";
import type { historyParams } from "./schemas/reads.ts";

/** The publications that a channel keeps, and its position (SPEC LG6, docs/protocol.md C24). */
export async function history(call: Call, params: z.infer<typeof historyParams>): Promise<Answer> {
  const { channel, limit = 0, reverse = false, since } = params;
  const query = {
    limit,
    reverse,
    since: since === undefined ? null : { offset: since.offset, logEpoch: since.epoch },
  };
  const answer = await askChannel(call, channel, {
    isAllowed: keepsHistory,
    ask: () => logOf(call, channel).history(query, CONTRACT),
  });
  if ("error" in answer) return answer;
  const { publications, top, logEpoch, refused } = answer.value;
  if (refused !== null) return fail(refused);
  const shown = publications.map(encodeKept).join(",");
  const position = `"offset":${top},"epoch":${JSON.stringify(logEpoch)}`;
  return ok(new JsonResult(`{"publications":[${shown}],${position}}`));
}

/** Drops the publications that a channel keeps, and keeps its top (docs/protocol.md C45). */
export async function removeHistory(call: Call, { channel }: z.infer<typeof channelParams>): Promise<Answer> {
  const answer = await askChannel(call, channel, {
    isAllowed: keepsHistory,
    ask: () => logOf(call, channel).removeHistory(CONTRACT),
  });
  return "error" in answer ? answer : ok({});
}

const logOf = ({ env, config }: Call, channel: string) => homeStub(env, homeOf(config, channel));
