import { expect, test } from "vitest";
import type { Delivery, Entry, Registration } from "../../../src/protocol/delivery.ts";
import { Hub } from "../../../src/shard/hub.ts";
import type { Session } from "../../../src/shard/session.ts";

/** A hub whose channel answers when the test says so, and that keeps what each session is sent. */
function setUp() {
  const calls: {
    channel: string;
    answer: (registration: Registration) => void;
    fail: (error: Error) => void;
  }[] = [];
  const sent = new Map<Session, string[]>();
  const hub = new Hub({
    register: (channel) => new Promise((answer, fail) => void calls.push({ channel, answer, fail })),
    emit: (_channel, entries, sessions) => {
      for (const session of sessions)
        sent.set(session, [...(sent.get(session) ?? []), ...entries.map(({ body }) => body)]);
    },
  });
  // The hub knows sessions by identity alone.
  const session = () => ({}) as Session;
  return { hub, calls, session, heard: (one: Session) => sent.get(one) ?? [] };
}

const pub = (offset: number): Entry => ({ kind: "pub", offset, body: `p${offset}` });
const delivery = (entries: Entry[], logEpoch = "e"): Delivery => ({
  channel: "room",
  registration: 1,
  logEpoch,
  entries,
});
const REGISTERED: Registration = { number: 1, logEpoch: "e", top: 3 };
const yes = () => true;

test("[SE1] everybody who subscribes at once waits for one registration", async () => {
  const { hub, calls, session, heard } = setUp();
  const [ann, bob] = [session(), session()];
  const joins = [hub.listen("room", yes, ann), hub.listen("room", yes, bob)];
  expect(calls.map(({ channel }) => channel)).toEqual(["room"]);
  calls[0]?.answer(REGISTERED);
  expect(await Promise.all(joins)).toEqual([true, true]);
  hub.deliver(delivery([pub(4), pub(5)]));
  expect([heard(ann), heard(bob)]).toEqual([
    ["p4", "p5"],
    ["p4", "p5"],
  ]);
  // Who comes later needs none.
  await hub.listen("room", yes, session());
  expect(calls).toHaveLength(1);
});

test("[SE1] what is delivered before the subscribe is answered is not repeated after it", async () => {
  const { hub, calls, session, heard } = setUp();
  const ann = session();
  const joined = hub.listen("room", yes, ann);
  // The channel counts the shard as listening already: 3 is what its answer includes, 4 is what came after.
  expect(hub.deliver(delivery([pub(3)]))).toEqual({ kind: "delivered" });
  expect(hub.deliver(delivery([pub(4)]))).toEqual({ kind: "delivered" });
  calls[0]?.answer(REGISTERED);
  await joined;
  hub.deliver(delivery([pub(4), pub(5)]));
  expect(heard(ann)).toEqual(["p5"]);
});

test("[SE1] a delivery that is repeated, or overlaps another, is heard once", async () => {
  const { hub, calls, session, heard } = setUp();
  const ann = session();
  const joined = hub.listen("room", yes, ann);
  calls[0]?.answer(REGISTERED);
  await joined;
  hub.deliver(delivery([pub(4), pub(5)]));
  hub.deliver(delivery([pub(4), pub(5)]));
  hub.deliver(delivery([pub(5), pub(6)]));
  expect(heard(ann)).toEqual(["p4", "p5", "p6"]);
  // A log that began anew counts from the start.
  hub.deliver(delivery([pub(1)], "f"));
  expect(heard(ann)).toEqual(["p4", "p5", "p6", "p1"]);
});

test("[SE1] a registration that failed fails its subscribers, and the next one tries again", async () => {
  const { hub, calls, session } = setUp();
  const joined = hub.listen("room", yes, session());
  calls[0]?.fail(new Error("unreachable"));
  await expect(joined).rejects.toThrow("unreachable");
  expect(hub.size).toBe(0);
  const again = hub.listen("room", yes, session());
  calls[1]?.answer(REGISTERED);
  expect(await again).toBe(true);
});

test("[SE1] a shard without listeners says so, and registers anew for the next", async () => {
  const { hub, calls, session, heard } = setUp();
  const ann = session();
  const joined = hub.listen("room", yes, ann);
  calls[0]?.answer(REGISTERED);
  await joined;
  hub.leave("room", ann);
  expect(hub.deliver(delivery([pub(4)]))).toEqual({ kind: "noListeners" });
  const bob = session();
  const later = hub.listen("room", yes, bob);
  expect(calls).toHaveLength(2);
  calls[1]?.answer({ number: 2, logEpoch: "e", top: 4 });
  await later;
  hub.deliver(delivery([pub(5)]));
  expect([heard(ann), heard(bob)]).toEqual([[], ["p5"]]);
});

test("[SE1] a session that went away while it waited does not listen", async () => {
  const { hub, calls, session } = setUp();
  const joined = hub.listen("room", () => false, session());
  calls[0]?.answer(REGISTERED);
  expect(await joined).toBe(false);
  expect(hub.deliver(delivery([pub(4)]))).toEqual({ kind: "noListeners" });
});

test("[SE5] after a sleep a session hears on, without a new registration", () => {
  const { hub, calls, session, heard } = setUp();
  const ann = session();
  hub.restore("room", ann);
  hub.deliver(delivery([pub(9)]));
  hub.deliver(delivery([pub(9), pub(10)]));
  expect(heard(ann)).toEqual(["p9", "p10"]);
  expect(calls).toEqual([]);
});
