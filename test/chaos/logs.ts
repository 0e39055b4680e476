import { BROADCAST, isShort, SHORT_KEEPS } from "./channels.ts";
import { connect } from "./connect.ts";
import { UNSEEN, type Heard } from "../../src/cli/verify/judge.ts";
import type { Listener, Listeners } from "./listeners.ts";
import type { Server } from "./server.ts";

/** The log of each channel, from the first publication on. */
export async function readLogs(
  server: Server,
  parts: {
    readonly apiKey: string;
    readonly channels: readonly string[];
    readonly listeners: Listeners;
  },
): Promise<Map<string, Heard[]>> {
  const { apiKey, channels, listeners } = parts;
  const client = connect(server, "reader");
  await client.ready(30_000);
  const logs = new Map<string, Heard[]>();
  for (const channel of channels) {
    const subscription = client.newSubscription(channel);
    subscription.subscribe();
    await subscription.ready(30_000);
    const { epoch, offset: top } = await subscription.history({ limit: 0 });
    const log = isShort(channel) ? trimmed(channel, top - SHORT_KEEPS, listeners.all) : [];
    for (;;) {
      const page = await subscription.history({ limit: 1_000, since: { offset: log.length, epoch } });
      if (page.publications.length === 0) break;
      log.push(
        ...page.publications.map(({ offset, data }) => ({ offset: offset ?? 0, id: data.id as string })),
      );
    }
    logs.set(channel, log);
  }
  logs.set(BROADCAST, await readBroadcasts(server, apiKey));
  client.disconnect();
  return logs;
}

/** The log of the broadcast channel, which only back ends may read. */
async function readBroadcasts(server: Server, apiKey: string): Promise<Heard[]> {
  const body = JSON.stringify({ channel: BROADCAST, limit: -1 });
  const headers = { "x-api-key": apiKey };
  const response = await fetch(`${server.url}/api/history`, { method: "POST", headers, body });
  const { result } = (await response.json()) as {
    result: { publications: { offset: number; data: { id: string } }[] };
  };
  return result.publications.map(({ offset, data }) => ({ offset, id: data.id }));
}

/** The trimmed part of a log, up to an offset, as far as the listeners heard it. */
function trimmed(channel: string, until: number, listeners: readonly Listener[]): Heard[] {
  const log = Array.from({ length: Math.max(0, until) }, (_, n) => ({ offset: n + 1, id: UNSEEN }));
  for (const { hearings } of listeners)
    for (const heard of hearings.get(channel)?.heard ?? [])
      if (heard.offset <= until) log[heard.offset - 1] = heard;
  return log;
}
