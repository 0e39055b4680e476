import type * as z from "zod";
import { keepsHistory } from "../../config/namespace.ts";
import type { PublishRequest } from "../../contracts/log.ts";
import { encodePublication } from "../../contracts/publication.ts";
import { CONTRACT } from "../../contracts/version.ts";
import { callAgainWithin, coordinatorStub } from "../../platform/calls.ts";
import { logError } from "../../platform/logger.ts";
import { mostChannels } from "../../platform/publisher.ts";
import { homeOf, missingNamespace, namespaceOf, parseChannel } from "../../policy/channels.ts";
import { problemOf } from "../../typed/schemas.ts";
import { describeOutcomes } from "../outcomes.ts";
import { fail, ok, type Answer } from "./answer.ts";
import type { Call } from "./method.ts";
import { readPayload } from "./payload.ts";
import type { broadcastParams, publishParams } from "./schemas/publish.ts";

type Params = z.infer<typeof publishParams>;

/**
 * Publishes to a channel, or to the broadcast channel at the coordinator. Where the namespace keeps history, the answer
 * comes when the publication is durable (SPEC LG1); the caller repeats a failed call under the same id (SPEC LG4).
 */
export async function publish(call: Call, params: Params): Promise<Answer> {
  const { config } = call;
  const parsed = parseChannel(params.channel, config.cluster.limits.channelBytes);
  if (!parsed.ok) return fail("badRequest", "the channel's name is not valid");
  const namespace = namespaceOf(config, parsed.channel);
  if (namespace === undefined) return fail("unknownChannel", missingNamespace(config, parsed.channel));
  const payload = readPayload(params);
  if (!payload.ok) return fail("badRequest", payload.reason);
  const schema = call.schemas?.of(params.channel);
  const problem =
    schema && (await problemOf(schema, JSON.parse(payload.json), config.cluster.times.hookTimeoutMs));
  if (problem?.kind === "wrong") return fail("badRequest", problem.detail);
  if (problem?.kind === "failed") return fail("internal", "the schema of the channel has failed");

  const { idempotency_key: key = "", version = 0 } = params;
  const publication = {
    // The prefix keeps a back end's key apart from the ids that Ringcast makes.
    id: key === "" ? crypto.randomUUID() : `key:${key}`,
    body: bodyOf(payload.json, params),
    ...(params.skip_history === true ? { passing: true } : {}),
    ...(version === 0 ? {} : { version: { number: version, epoch: params.version_epoch ?? "" } }),
    ...(key === "" ? { forRetries: true } : {}),
  };
  const home = homeOf(config, params.channel);
  const isBroadcast = home.kind === "coordinator";
  const wantsReport = isBroadcast && params.report === true;
  try {
    const { refused, offset, logEpoch, report } =
      home.kind === "channel"
        ? { ...(await call.publisher.publish(home.channel, publication)), report: null }
        : await broadcastTo(call, publication, wantsReport);
    if (refused === "full") return fail("internal", "the request publishes too much at once");
    if (refused !== null) return fail("badRequest", "a publication has at most 2,000,000 bytes");
    if (!keepsHistory(namespace) || params.skip_history === true) return ok({});
    if (report === null) return ok({ offset, epoch: logEpoch });
    const delivered = report.outcomes.reduce((sum, one) => sum + one.delivered, 0);
    return ok({
      offset,
      epoch: logEpoch,
      delivered,
      shards: describeOutcomes(report.outcomes),
      ms: report.ms,
    });
  } catch (error) {
    logError("a channel did not take a publication", { channel: params.channel, error });
    return fail("internal", `${isBroadcast ? "the coordinator" : "the channel"} does not answer`);
  }
}

const bodyOf = (json: string, { tags = {} }: Pick<Params, "tags">): string =>
  encodePublication({ json, ...(Object.keys(tags).length === 0 ? {} : { tags }) });

/** Publishes to the broadcast channel. */
const broadcastTo = ({ env, config }: Call, publication: PublishRequest, wantsReport: boolean) =>
  callAgainWithin(config.cluster.times.deliveryTimeoutMs, async () => {
    const answer = await coordinatorStub(env).broadcast(publication, wantsReport, CONTRACT);
    const { outcomes, ms, ...result } = answer;
    return { ...result, report: outcomes === null ? null : { outcomes, ms } };
  });

/**
 * Publishes to many channels. Each channel has an answer of its own. A broadcast that is too much for one request is
 * refused as a whole: each repetition would be refused for the same channels.
 */
export async function broadcast(
  call: Call,
  { channels, ...publication }: z.infer<typeof broadcastParams>,
): Promise<Answer> {
  const limit = call.config.cluster.limits.apiCommands;
  if (channels.length > limit) return fail("badRequest", `at most ${limit} channels at once`);
  const payload = readPayload(publication);
  const most = payload.ok ? mostChannels(bodyOf(payload.json, publication).length) : limit;
  if (channels.length > most)
    return fail("badRequest", `data of this size goes to at most ${most} channels at once`);
  const responses = await Promise.all(channels.map((channel) => publish(call, { channel, ...publication })));
  return ok({ responses });
}
