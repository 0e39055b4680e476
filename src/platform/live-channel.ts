import { LIVE_CHANNEL, type LiveEvent } from "../contracts/live.ts";
import { channelStub } from "./stubs.ts";

/** At most once: what the live feed loses, the next pulse or a look at the cluster makes good. */
export async function sayLive(env: Cloudflare.Env, event: LiveEvent): Promise<void> {
  try {
    await channelStub(env, LIVE_CHANNEL).publish({
      id: crypto.randomUUID(),
      body: JSON.stringify({ data: event }),
    });
  } catch (error) {
    console.error("the live feed has lost an event", error);
  }
}
