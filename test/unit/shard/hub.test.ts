import { expect, test, vi } from "vitest";
import type { Delivery, PubEntry, Registration } from "../../../src/contracts/delivery.ts";
import type { LogView } from "../../../src/log/recovery.ts";
import { Hub, type Start } from "../../../src/shard/subscriptions/channels.ts";
import type { Session } from "../../../src/shard/connections/session.ts";

/** A hub whose channel answers when the test says so, and that keeps what each session is sent. */
function setUp() {
  const calls: {
    channel: string;
    answer: (registration: Registration) => void;
    fail: (error: Error) => void;
  }[] = [];
  const sent = new Map<Session, string[]>();
  const gaveUp: string[] = [];
  const views: ((view: LogView) => void)[] = [];
  const hub = new Hub(
    { recoveryMaxPublications: 300, tailBytes: 1_000 },
    {
      view: () => new Promise((answer) => void views.push(answer)),
      giveUp: (channel) => gaveUp.push(channel),
      onMoved: () => undefined,
      register: (channel) => new Promise((answer, fail) => void calls.push({ channel, answer, fail })),
      emit: (_channel, entries, sessions) => {
        for (const session of sessions)
          sent.set(session, [...(sent.get(session) ?? []), ...entries.map(({ body }) => body)]);
      },
    },
  );
  // The hub knows sessions by identity alone.
  const session = () => ({}) as Session;
  return { hub, calls, views, gaveUp, session, heard: (one: Session) => sent.get(one) ?? [] };
}

const pub = (offset: number): PubEntry => ({ kind: "pub", offset, body: `p${offset}` });
/** As a Channel sends it: `since` is what comes before the first publication. */
const delivery = (entries: PubEntry[], fields: Partial<Delivery> = {}): Delivery => ({
  channel: "room",
  registration: 1,
  logEpoch: "e",
  durable: true,
  since: (entries[0]?.offset ?? 1) - 1,
  mayRepeat: false,
  entries,
  ...fields,
});
const REGISTERED: Registration = { number: 1, logEpoch: "e", offset: 3, durable: true };
const yes = () => true;

test("[SE1] everybody who subscribes at once waits for one registration", async () => {
  const { hub, calls, session, heard } = setUp();
  const [ann, bob] = [session(), session()];
  const joins = [hub.listen("room", null, yes, ann), hub.listen("room", null, yes, bob)];
  expect(calls.map(({ channel }) => channel)).toEqual(["room"]);
  calls[0]?.answer(REGISTERED);
  expect(await Promise.all(joins)).toEqual([true, true]);
  await hub.deliver(delivery([pub(4), pub(5)]));
  expect([heard(ann), heard(bob)]).toEqual([
    ["p4", "p5"],
    ["p4", "p5"],
  ]);
  // Who comes later needs none.
  await hub.listen("room", null, yes, session());
  expect(calls).toHaveLength(1);
});

test("[SE1] what is delivered while the registration is on its way is neither lost nor repeated", async () => {
  const { hub, calls, session, heard } = setUp();
  const ann = session();
  const joined = hub.listen("room", null, yes, ann);
  // The channel counts the shard as listening already: 3 is what its answer includes, 4 is what came after.
  expect(await hub.deliver(delivery([pub(3)]))).toMatchObject({ kind: "delivered" });
  expect(await hub.deliver(delivery([pub(4)]))).toMatchObject({ kind: "delivered" });
  calls[0]?.answer(REGISTERED);
  await joined;
  await hub.deliver(delivery([pub(4), pub(5)]));
  expect(heard(ann)).toEqual(["p4", "p5"]);
});

test("[SE1] a delivery that is repeated, or overlaps another, is heard once", async () => {
  const { hub, calls, session, heard } = setUp();
  const ann = session();
  const joined = hub.listen("room", null, yes, ann);
  calls[0]?.answer(REGISTERED);
  await joined;
  await hub.deliver(delivery([pub(4), pub(5)]));
  await hub.deliver(delivery([pub(4), pub(5)]));
  await hub.deliver(delivery([pub(5), pub(6)]));
  expect(heard(ann)).toEqual(["p4", "p5", "p6"]);
  expect(hub.positions().get("room")).toEqual({ logEpoch: "e", offset: 6, durable: true });
});

test("[SE1] a registration that failed fails its subscribers, and the next one tries again", async () => {
  const { hub, calls, session } = setUp();
  const joined = hub.listen("room", null, yes, session());
  calls[0]?.fail(new Error("unreachable"));
  await expect(joined).rejects.toThrow("unreachable");
  expect(hub.size).toBe(0);
  const again = hub.listen("room", null, yes, session());
  calls[1]?.answer(REGISTERED);
  expect(await again).toBe(true);
});

test("[SE1] a shard without listeners says so, and registers anew for the next", async () => {
  const { hub, calls, session, heard } = setUp();
  const ann = session();
  const joined = hub.listen("room", null, yes, ann);
  calls[0]?.answer(REGISTERED);
  await joined;
  hub.leave("room", ann);
  expect(await hub.deliver(delivery([pub(4)]))).toMatchObject({ kind: "noListeners" });
  const bob = session();
  const later = hub.listen("room", null, yes, bob);
  expect(calls).toHaveLength(2);
  calls[1]?.answer({ number: 2, logEpoch: "e", offset: 4, durable: true });
  await later;
  await hub.deliver(delivery([pub(5)]));
  expect([heard(ann), heard(bob)]).toEqual([[], ["p5"]]);
});

test("[SE1] a session that went away while it waited does not listen", async () => {
  const { hub, calls, session } = setUp();
  const joined = hub.listen("room", null, () => false, session());
  calls[0]?.answer(REGISTERED);
  expect(await joined).toBe(false);
  expect(await hub.deliver(delivery([pub(4)]))).toMatchObject({ kind: "noListeners" });
});

test("[SE5] after a sleep a session hears on, without a new registration", async () => {
  const { hub, calls, session, heard } = setUp();
  const ann = session();
  hub.restore("room", ann, { logEpoch: "e", offset: 8, durable: true });
  await hub.deliver(delivery([pub(9)]));
  await hub.deliver(delivery([pub(9), pub(10)]));
  expect(heard(ann)).toEqual(["p9", "p10"]);
  expect(calls).toEqual([]);
});

test("[LG5] a channel that keeps nothing begins anew with each of its lives", async () => {
  const { hub, calls, session, heard, gaveUp } = setUp();
  const ann = session();
  const joined = hub.listen("room", null, yes, ann);
  calls[0]?.answer({ number: 1, logEpoch: "e", offset: 3, durable: false });
  await joined;
  await hub.deliver(delivery([pub(4)], { durable: false }));
  await hub.deliver(delivery([pub(1), pub(2)], { durable: false, logEpoch: "f" }));
  await hub.deliver(delivery([pub(2), pub(3)], { durable: false, logEpoch: "f" }));
  // What an earlier life has sent, and what comes late.
  await hub.deliver(delivery([pub(4)], { durable: false, mayRepeat: true }));
  await hub.deliver(delivery([pub(4)], { durable: false, logEpoch: "f" }));
  expect(heard(ann)).toEqual(["p4", "p1", "p2", "p3", "p4"]);
  expect(gaveUp).toEqual([]);
});

test("[DL8] another log means that nobody knows what was missed, once", async () => {
  const { hub, calls, session, heard, gaveUp } = setUp();
  const ann = session();
  const joined = hub.listen("room", null, yes, ann);
  calls[0]?.answer(REGISTERED);
  await joined;
  await hub.deliver(delivery([pub(4)], { logEpoch: "f" }));
  expect(gaveUp).toEqual(["room"]);
  expect(heard(ann)).toEqual([]);
  // Nobody listens now; whoever comes back finds the new log.
  expect(await hub.deliver(delivery([pub(5)], { logEpoch: "f" }))).toMatchObject({ kind: "noListeners" });
  expect(gaveUp).toEqual(["room"]);
});

test("[DL8] a shard that woke without its position takes what cannot be a repeat, and nothing else", async () => {
  for (const mayRepeat of [false, true]) {
    const { hub, session, heard, gaveUp } = setUp();
    const ann = session();
    hub.restore("room", ann, undefined);
    await hub.deliver(delivery([pub(7)], { mayRepeat }));
    expect(heard(ann)).toEqual(mayRepeat ? [] : ["p7"]);
    expect(gaveUp).toEqual(mayRepeat ? ["room"] : []);
  }
});

test("[DL1] what is missing between two deliveries is fetched before the second is applied", async () => {
  const { hub, calls, views, session, heard } = setUp();
  const ann = session();
  const joined = hub.listen("room", null, yes, ann);
  calls[0]?.answer(REGISTERED);
  await joined;
  const gap = hub.deliver(delivery([pub(6)]));
  const next = hub.deliver(delivery([pub(7)]));
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard(ann)).toEqual([]);
  views[0]?.({ logEpoch: "e", top: 6, publications: [pub(4), pub(5), pub(6)] });
  await Promise.all([gap, next]);
  expect(heard(ann)).toEqual(["p4", "p5", "p6", "p7"]);
});

test("[DL3] what is dropped from a log while it is looked at is not remembered from that look", async () => {
  const { hub, calls, views, session } = setUp();
  const ann = hub.listen("room", null, yes, session());
  calls[0]?.answer(REGISTERED);
  await ann;
  const resume = { since: { logEpoch: "e", offset: 1 }, mode: "stream" } as const;
  const bob = hub.listen("room", resume, yes, session());
  await vi.waitFor(() => expect(views).toHaveLength(1));
  await hub.deliver(delivery([], { since: 3, entries: [{ kind: "cleared", body: "" }] }));
  // Read before the log was cleared, and here after the word of that.
  views[0]?.({ logEpoch: "e", top: 3, publications: [pub(2), pub(3)] });
  await bob;
  const starts: Start[] = [];
  const eve = hub.listen("room", resume, (start) => starts.push(start) > 0, session());
  await vi.waitFor(() => expect(views.length + starts.length).toBe(2));
  views[1]?.({ logEpoch: "e", top: 3, publications: [] });
  await eve;
  expect(starts[0]?.recovery?.kind).toBe("restart");
});
