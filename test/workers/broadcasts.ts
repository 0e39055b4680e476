import { api, Client, keysOf } from "./client.ts";

export const BROADCAST = "ringcast:broadcast";

type Joined = { epoch: string; offset: number; recovered?: boolean; publications?: { data: unknown }[] };

export const clientOn = async (shardId: string) => Client.connect((await keysOf(shardId, 1))[0] ?? "");

/** The broadcast channel's part of the connect reply; undefined if the reply has none. */
export const joined = (client: Client): Joined | undefined => {
  const reply = client.lines.find((line) => line["connect"] !== undefined)?.["connect"];
  return (reply as { subs?: Record<string, Joined> }).subs?.[BROADCAST];
};

/** All that a client has heard on the broadcast channel, with what its connect reply made up for. */
export const heard = (client: Client) => [
  ...(joined(client)?.publications ?? []).map(({ data }) => data),
  ...client.heard(BROADCAST),
];

/** Broadcasts one after the other, and returns the last report. */
export const broadcast = (...data: unknown[]) =>
  data.reduce<Promise<any>>(
    (before, one) => before.then(() => api("publish", { channel: BROADCAST, data: one, report: true })),
    Promise.resolve(),
  );
