import { expect, test } from "vitest";
import { parseConfig } from "../../../../src/config/config.ts";
import { parseChannel } from "../../../../src/policy/channels.ts";
import type { Session } from "../../../../src/shard/connections/session.ts";
import { Counters } from "../../../../src/shard/records/counters.ts";
import { Channels } from "../../../../src/shard/subscriptions/channels.ts";
import { join } from "../../../../src/shard/subscriptions/join.ts";

const LIMITS = { recoveryMaxPublications: 300, resumeBytes: 1_000, tailBytes: 1_000 };

/** Subscribes a session to a channel without history. `tell` is what the answer does to the session. */
async function subscribe(tell: (session: Session, channels: Channels<Session>) => void) {
  const parsed = parseChannel("room", 255);
  if (!parsed.ok) throw new Error("a bad name");
  const channels = new Channels<Session>(LIMITS, {
    register: () => Promise.resolve({ number: 1, logEpoch: "e", offset: 0, durable: false }),
    view: () => Promise.reject(new Error("nobody resumes")),
    page: () => Promise.reject(new Error("nothing is missing")),
    giveUp: () => undefined,
    positions: { touch: () => undefined },
    emitter: { emit: () => undefined, room: async () => undefined },
  });
  const session = { ended: false } as Session;
  let told = 0;
  const joined = await join(
    session,
    { channel: parsed.channel, user: "ann", wishes: {}, subscription: {} },
    {
      config: parseConfig({ RINGCAST: { insecure: true } }),
      channels,
      counters: new Counters(),
      remember: () => true,
      tell: () => tell(session, channels),
      onJoined: () => (told += 1),
    },
  );
  return { joined, listeners: channels.listenersOf("room").size, told };
}

test("[BD14] a reader that its own answer ends, as it is too slow for it, is left in no channel", async () => {
  const slow = await subscribe((session, channels) => {
    session.ended = true;
    channels.leave("room", session);
  });
  expect(slow).toEqual({ joined: "gone", listeners: 0, told: 0 });
  expect(await subscribe(() => undefined)).toEqual({ joined: "joined", listeners: 1, told: 1 });
});
