import type * as z from "zod";
import { CONTRACT } from "../../contracts/version.ts";
import { coordinatorStub, within } from "../../platform/calls.ts";
import { logError } from "../../platform/logger.ts";
import { describeOutcomes } from "../outcomes.ts";
import { fail, ok, type Answer } from "./answer.ts";
import type { Call } from "./method.ts";
import { readPayload } from "./payload.ts";
import type { sendParams } from "./schemas/send.ts";
import { sendByRing, type Message, type Sent } from "./send-by-ring.ts";

const COORDINATOR_WAIT_MS = 6_000;

/**
 * Sends a message to every session of some users, at most once (SPEC FO7, AP5).
 *
 * Mode `ring` calls only the owners of the users' names, and reaches all sessions where `affinity.userIsKey` is on. Mode
 * `fanout` calls every shard, through the coordinator.
 */
export async function send(call: Call, params: z.infer<typeof sendParams>): Promise<Answer> {
  const { affinity, limits } = call.config.cluster;
  const users = [...new Set([...(params.user === undefined ? [] : [params.user]), ...(params.users ?? [])])];
  if (users.length === 0) return fail("badRequest", "user or users is required");
  if (users.length > limits.apiCommands)
    return fail("badRequest", `at most ${limits.apiCommands} users at once`);
  const payload = readPayload(params);
  if (!payload.ok) return fail("badRequest", payload.reason);
  const data = payload.json;
  const message = { users, data };
  const mode = params.mode === "auto" ? (affinity.userIsKey ? "ring" : "fanout") : params.mode;

  const startedAt = Date.now();
  let sent: Sent;
  try {
    sent = mode === "ring" ? await sendByRing(call, message) : await sendByFanOut(call, message);
  } catch (error) {
    logError("the coordinator did not send a message on to the shards", { error });
    return fail("internal", "the coordinator does not answer, and no other object knows every shard");
  }
  const reached = new Set(sent.outcomes.flatMap(({ done }) => [...(done?.users.keys() ?? [])]));
  const shards = describeOutcomes(
    sent.outcomes.map(({ name, ms, done }) => ({
      name,
      ok: done !== null,
      delivered: done?.sessions ?? 0,
      ms,
    })),
  );
  return ok({
    mode,
    delivered: shards.reduce((sum, { delivered }) => sum + delivered, 0),
    offline: users.filter((user) => !reached.has(user)),
    shards,
    calls: sent.calls,
    ms: Date.now() - startedAt,
  });
}

async function sendByFanOut({ env }: Call, message: Message): Promise<Sent> {
  const answer = coordinatorStub(env).act({ kind: "send", ...message }, CONTRACT);
  const { outcomes, calls } = await within(COORDINATOR_WAIT_MS, answer);
  return { outcomes, calls: calls + 1 };
}
