import { LIVE_CHANNEL, type LiveEvent } from "../contracts/live.ts";
import { CONTRACT } from "../contracts/version.ts";
import { logError } from "./logger.ts";
import { channelStub } from "./calls.ts";

/** At most once: the next pulse, or a look at the cluster, makes good what the live feed loses. */
export async function publishLive(env: RingcastEnv, event: LiveEvent): Promise<void> {
  try {
    const publication = { id: crypto.randomUUID(), body: JSON.stringify({ data: event }) };
    await channelStub(env, LIVE_CHANNEL).publish(publication, CONTRACT);
  } catch (error) {
    logError("the live feed has lost an event", { event: event.kind, error });
  }
}
