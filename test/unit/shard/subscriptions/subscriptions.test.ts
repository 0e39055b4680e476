import { expect, test } from "vitest";
import { parseConfig } from "../../../../src/config/config.ts";
import { parseChannel } from "../../../../src/policy/channels.ts";
import { subscriptionsOf, type Session } from "../../../../src/shard/connections/session.ts";
import { Sessions } from "../../../../src/shard/connections/sessions.ts";
import { Counters } from "../../../../src/shard/records/counters.ts";
import { Channels } from "../../../../src/shard/subscriptions/channels.ts";
import { Subscriptions, type SubscriptionsParts } from "../../../../src/shard/subscriptions/subscriptions.ts";

const LIMITS = { recoveryMaxPublications: 300, resumeBytes: 1_000, tailBytes: 1_000 };

test("[SO67] a join that cannot be written down is none, so that the next one is not taken for done", async () => {
  const parsed = parseChannel("room", 255);
  if (!parsed.ok) throw new Error("a bad name");
  const config = parseConfig({ RINGCAST: { insecure: true } });
  const channels = new Channels<Session>(LIMITS, {
    register: () => Promise.resolve({ number: 1, logEpoch: "e", offset: 0, durable: true }),
    view: () => Promise.reject(new Error("nobody resumes")),
    page: () => Promise.reject(new Error("nothing is missing")),
    giveUp: () => undefined,
    positions: { touch: () => undefined },
    emitter: { emit: () => undefined, room: async () => undefined },
  });
  const sessions = new Sessions();
  const announced: string[] = [];
  const subscriptions = new Subscriptions({
    config,
    channels,
    counters: new Counters(),
    connections: { sessions },
    presence: { announce: ({ kind }: { readonly kind: string }) => announced.push(kind) },
    emptyChannels: { look: () => undefined },
  } as unknown as SubscriptionsParts);
  const socket = { serializeAttachment: () => undefined } as unknown as WebSocket;
  const placed = { openedAt: 0, key: "", clientRegion: "auto", rank: 0, user: "", subscriptions: new Map() };
  const session = sessions.add(socket, { state: "open", id: "ann", ...placed }, config.cluster.limits);
  const request = {
    channel: parsed.channel,
    user: "",
    wishes: {},
    subscription: { byServer: true },
  } as const;
  const failing = subscriptions.join(session, request, () => {
    throw new Error("the storage is full");
  });
  await expect(failing).rejects.toThrow("the storage is full");
  expect([subscriptionsOf(session).has("room"), channels.listenersOf("room").size]).toEqual([false, 0]);
  expect(await subscriptions.join(session, request, () => undefined)).toBe("joined");
  expect([subscriptionsOf(session).has("room"), channels.listenersOf("room").size]).toEqual([true, 1]);
  expect(announced).toEqual(["join"]);
});
