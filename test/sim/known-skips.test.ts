import { expect, test } from "vitest";
import { KnownSkips } from "./known-skips.ts";
import type { EndedCall } from "./network.ts";

type Step = EndedCall & { readonly tookMs?: number };

const BEFORE = "release 0.2.0";
const LOG = "COORDINATOR coordinator";
const SHARD = "auto/auto-4";

const register = (number: number, offset: number, also: Partial<Step> = {}): Step => ({
  name: LOG,
  method: "register",
  args: [{ name: SHARD }, null, 2],
  answer: { number, logEpoch: "one", offset, durable: true },
  release: BEFORE,
  callerHasEnded: false,
  ...also,
});
/** The same, and the shard takes the answer, in time where it does not take longer than `tookMs`. */
const taken = (number: number, offset: number, tookMs = 20): Step => register(number, offset, { tookMs });
const delivered = (
  offset: number,
  also: { readonly registration?: number; readonly release?: string; readonly isLate?: boolean } = {},
): Step => ({
  name: `SHARD ${SHARD}`,
  method: "deliver",
  args: [
    {
      channel: "ringcast:broadcast",
      logEpoch: "one",
      durable: true,
      registration: also.registration ?? 1,
      since: offset - 1,
      entries: [{ kind: "pub", offset, body: "", at: 0 }],
    },
    2,
  ],
  answer: { kind: "delivered", sessions: 1 },
  release: also.release ?? BEFORE,
  callerHasEnded: also.isLate === true,
  tookMs: 20,
});

/** The coordinator's descriptor arrives, which says how far the coordinator had sent to the shard. */
const adopted = (offset: number, release = BEFORE): Step => ({
  name: `SHARD ${SHARD}`,
  method: "adopt",
  args: [{}, { number: 1, logEpoch: "one", offset, durable: true }, 3],
  release,
  callerHasEnded: false,
});

/** Whether a subscriber that has heard up to 3, and no later one of 4, is excused. */
function excuses(steps: readonly Step[], { last = 3, top = 4, shard = SHARD } = {}): boolean {
  const skips = new KnownSkips(BEFORE);
  for (const { tookMs, ...call } of steps) {
    skips.take(call);
    if (tookMs !== undefined) skips.returned({ ...call, tookMs });
  }
  return skips.excuses(LOG, shard, { last, top });
}

test.each([
  { what: "an answer is lost", steps: [taken(1, 2), register(2, 4)], excused: true },
  { what: "an answer is too late", steps: [taken(1, 2), taken(2, 4, 1_501)], excused: true },
  { what: "two answers are lost", steps: [taken(1, 2), register(2, 3), register(3, 4)], excused: true },
  { what: "an older answer is taken", steps: [taken(2, 2), register(3, 4), taken(1, 4)], excused: true },
  {
    what: "the shard has awaited the answer with a delivery",
    steps: [taken(1, 1), register(2, 3), delivered(4, { registration: 2 })],
    excused: true,
  },
  {
    what: "the shard is of the present release, and has awaited the answer with a delivery",
    steps: [taken(1, 1), register(2, 3), delivered(4, { registration: 2, release: "the present release" })],
    excused: false,
  },
  {
    what: "the delivery is of the registration before",
    steps: [taken(1, 1), register(2, 3), delivered(4)],
    excused: false,
  },
  {
    what: "the shard takes the answer after a delivery",
    steps: [taken(1, 1), register(2, 3), delivered(4, { registration: 2 }), taken(2, 3)],
    excused: false,
  },
  {
    what: "the shard has crashed, and a late delivery of the registration before is its place",
    steps: [delivered(4, { registration: 2 }), delivered(3, { isLate: true })],
    excused: true,
  },
  {
    what: "such a shard is of the present release",
    steps: [
      delivered(4, { registration: 2 }),
      delivered(3, { isLate: true, release: "the present release" }),
    ],
    excused: false,
  },
  {
    what: "a delivery to a new shard is late, and a call to register was answered before",
    steps: [register(2, 4), delivered(3)],
    excused: true,
  },
  {
    what: "the shard takes the answer of a registration after that",
    steps: [register(2, 4), delivered(3), taken(3, 4)],
    excused: false,
  },
  {
    what: "such a delivery is of the registration that was answered",
    steps: [register(2, 4), delivered(3, { registration: 2 })],
    excused: false,
  },
  {
    what: "such a delivery is to a shard of the present release",
    steps: [register(2, 4), delivered(3, { release: "the present release" })],
    excused: false,
  },
  {
    what: "that call was answered by a log of the present release",
    steps: [register(2, 4, { release: "the present release" }), delivered(3)],
    excused: false,
  },
  {
    what: "such a delivery is not late",
    steps: [delivered(4, { registration: 2 }), delivered(3)],
    excused: false,
  },
  {
    what: "such a delivery is of the present registration",
    steps: [delivered(4), delivered(3, { isLate: true })],
    excused: false,
  },
  {
    what: "the shard has crashed, and a late descriptor has its place",
    steps: [delivered(4), adopted(3)],
    excused: true,
  },
  {
    what: "such a shard takes the answer of a registration after that",
    steps: [delivered(4), adopted(3), taken(2, 3)],
    excused: false,
  },
  { what: "such a descriptor is of the present place", steps: [delivered(4), adopted(4)], excused: false },
  {
    what: "such a shard is of the present release",
    steps: [delivered(4), adopted(3, "the present release")],
    excused: false,
  },
  { what: "the answer is taken", steps: [taken(1, 2), taken(2, 4)], excused: false },
  { what: "a newer answer is taken", steps: [taken(1, 2), register(2, 4), taken(3, 4)], excused: false },
  { what: "it is the first registration", steps: [register(1, 4)], excused: false },
  { what: "the shard has all", steps: [taken(1, 2), delivered(4), register(2, 4)], excused: false },
  {
    what: "the log is of the present release",
    steps: [taken(1, 2), register(2, 4, { release: "the present release" })],
    excused: false,
  },
  {
    what: "the shard states its position",
    steps: [taken(1, 2), register(2, 4, { args: [{ name: SHARD }, { position: null }, 2] })],
    excused: false,
  },
  {
    what: "the log is another by now",
    steps: [
      taken(1, 2),
      register(2, 4, { answer: { number: 2, logEpoch: "two", offset: 4, durable: true } }),
    ],
    excused: false,
  },
])("[BD11] a skip of release 0.2.0 is excused where $what: $excused", ({ steps, excused }) => {
  expect(excuses(steps)).toBe(excused);
});

test("[BD11] a skip excuses nothing but itself", () => {
  const steps = [taken(1, 2), register(2, 4)];
  expect(excuses(steps, { last: 1 })).toBe(false);
  expect(excuses(steps, { top: 5 })).toBe(false);
  expect(excuses(steps, { shard: "auto/auto-2" })).toBe(false);
});
