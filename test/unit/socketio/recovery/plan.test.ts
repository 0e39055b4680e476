import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Journal } from "../../../../src/socketio/recovery/journal.ts";
import { encodeOffset } from "../../../../src/socketio/recovery/offset.ts";
import {
  endsOf,
  planRecovery,
  type Joined,
  type SavedState,
} from "../../../../src/socketio/recovery/plan.ts";
import { SimStorage } from "../../../sim/storage.ts";

const open = (storage: SimStorage, most?: { rows: number; chars: number }): Journal =>
  new Journal(storage as unknown as DurableObjectStorage, most);

const CHANNELS = ["a", "b", "c"];
type Event = {
  readonly channel: string;
  readonly offset: number;
  readonly sequence: number;
  readonly at: number;
};

/** A shard, its journal and one session, with what its client truly has. */
class Model {
  readonly storage = new SimStorage();
  readonly tops = new Map(CHANNELS.map((channel) => [channel, 0]));
  readonly joined = new Map<string, Joined>();
  /** What the session was sent, in order. */
  readonly sent: Event[] = [];
  journal: Journal;
  now = 1_000_000;
  readonly start: number;

  constructor(most?: { rows: number; chars: number }) {
    this.journal = open(this.storage, most);
    this.start = this.journal.appendDirect("other", null, this.now);
  }

  get state(): SavedState {
    const { journalEpoch: epoch } = this.journal.offsetAt(0);
    return { nsp: "/", data: {}, epoch, start: this.start, channels: Object.fromEntries(this.joined) };
  }

  join(channel: string): void {
    if (!this.joined.has(channel))
      this.joined.set(channel, ["e", this.tops.get(channel) ?? 0, this.journal.top]);
  }

  /** A batch reaches the shard; the session is sent the events but the excepted ones. */
  batch(channel: string, excepted: readonly boolean[]): void {
    const since = this.tops.get(channel) ?? 0;
    const count = excepted.length;
    this.now += 1_000;
    const first = this.journal.appendBatch(channel, { count, logEpoch: "e", since, unions: [] }, this.now);
    this.tops.set(channel, since + count);
    if (!this.joined.has(channel)) return;
    for (const [n, isExcepted] of excepted.entries())
      if (!isExcepted) this.sent.push({ channel, offset: since + n + 1, sequence: first + n, at: this.now });
  }
}

const step = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("join" as const), channel: fc.constantFrom(...CHANNELS) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("batch" as const),
      channel: fc.constantFrom(...CHANNELS),
      excepted: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("trim" as const) }) },
);
/** An event is surely received after so long. */
const RECEIVED_MS = 8_000;

describe("where a session goes on", () => {
  test("[SO41] it is owed exactly what its client has not got, or it begins anew", () => {
    let resumed = 0;
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 60 }),
        fc.nat(6),
        fc.boolean(),
        fc.array(step, { maxLength: 20 }),
        fc.boolean(),
        (steps, lost, isCrash, afterwards, isTight) => {
          const model = new Model(isTight ? { rows: 12, chars: 1_000_000 } : undefined);
          const run = (all: typeof steps): void => {
            for (const one of all) {
              if (one.do === "join") model.join(one.channel);
              if (one.do === "batch") model.batch(one.channel, one.excepted);
              if (one.do === "restart")
                model.journal = open(model.storage, isTight ? { rows: 12, chars: 1_000_000 } : undefined);
              // As the duty does it: only what is surely received goes.
              if (one.do === "trim")
                model.journal.trim(model.now - RECEIVED_MS, (channel) => model.joined.has(channel));
            }
          };
          run(steps);
          // The client has lost its connection before the last events, none of them older than a while.
          const cut =
            model.sent.length -
            Math.min(lost, model.sent.filter(({ at }) => at > model.now - RECEIVED_MS).length);
          const got = model.sent.slice(0, cut);
          const last = got.at(-1);
          const { journalEpoch } = model.journal.offsetAt(0);
          const offset =
            last === undefined ? undefined : encodeOffset({ journalEpoch, sequence: last.sequence });
          const upTo = model.journal.top;
          const end = { upTo, receivedAt: model.now - RECEIVED_MS };
          if (isCrash) model.journal = open(model.storage);
          const ends = isCrash ? {} : { ends: endsOf(model.state, upTo, model.journal.view().index) };
          const saved = { ...model.state, ...ends };
          const owed = new Set(model.sent.slice(cut).map(({ channel, offset: at }) => `${channel}${at}`));
          const sent = [...model.sent];
          // Others go on; after a crash with a gap that the shard has not heard.
          const tops = new Map(model.tops);
          if (isCrash) for (const channel of CHANNELS) model.tops.set(channel, (tops.get(channel) ?? 0) + 2);
          run(afterwards.filter((one) => one.do === "batch"));
          const plan = planRecovery({ id: "me", state: saved }, offset, end, model.journal.view());
          if (plan.kind === "restart") return;
          resumed += 1;
          for (const channel of model.joined.keys()) {
            const position = plan.positions.get(channel)?.offset ?? -1;
            expect(position).toBeLessThanOrEqual(tops.get(channel) ?? 0);
            const resent = sent.filter((event) => event.channel === channel && event.offset > position);
            expect(new Set(resent.map(({ offset: at }) => `${channel}${at}`))).toEqual(
              new Set([...owed].filter((name) => name.startsWith(channel))),
            );
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(resumed).toBeGreaterThan(250);
  });

  const model = (): Model => {
    const one = new Model();
    one.join("a");
    one.batch("a", [false, false]);
    return one;
  };
  const plan = (one: Model, offset: unknown, changes: Partial<SavedState> = {}) =>
    planRecovery(
      { id: "me", state: { ...one.state, ...changes } },
      offset,
      { upTo: one.journal.top, receivedAt: 0 },
      one.journal.view(),
    );

  test("[SO41] a client that lacks events which the journal has dropped begins anew", () => {
    const one = new Model({ rows: 4, chars: 1_000_000 });
    one.join("a");
    for (let n = 0; n < 20; n++) one.batch("a", [false]);
    const { journalEpoch } = one.journal.offsetAt(0);
    const stated = (n: number) => encodeOffset({ journalEpoch, sequence: one.sent[n]?.sequence ?? 0 });
    expect(plan(one, stated(0))).toEqual({ kind: "restart", reason: "trimmed" });
    expect(plan(one, stated(19))).toMatchObject({ kind: "resume" });
  });

  test("[SO41] a client without an event of this session has got nothing of it", () => {
    const one = model();
    const resumed = {
      kind: "resume",
      since: one.start,
      positions: new Map([["a", { logEpoch: "e", offset: 0 }]]),
    };
    expect(plan(one, undefined)).toMatchObject(resumed);
    // The offset of its session before, here and elsewhere.
    expect(plan(one, encodeOffset({ ...one.journal.offsetAt(0) }))).toMatchObject(resumed);
    expect(plan(one, encodeOffset({ journalEpoch: "elsewher", sequence: 900 }))).toMatchObject(resumed);
  });

  const begunAnew = [
    ["later than its client had come, as the shard had missed events", 11],
    ["earlier, as the channel did not know of the last delivery", 9],
  ] as const;
  for (const [what, since] of begunAnew)
    test(`[SO41] a life of the shard that lost its sockets has begun a channel ${what}`, () => {
      const journal = open(new SimStorage());
      const { journalEpoch: epoch, sequence: start } = journal.offsetAt(journal.top);
      const state = { nsp: "/", data: {}, epoch, start, channels: { a: ["e", 9, start] as const } };
      const batch = { count: 1, logEpoch: "e", unions: [] };
      const received = journal.appendBatch("a", { ...batch, since: 9 }, 1_000);
      // The shard dies. Its next life hears the channel, and dies too; no row says when the session has ended.
      journal.appendBatch("a", { ...batch, since, count: 2 }, 2_000);
      const offset = encodeOffset({ journalEpoch: epoch, sequence: received });
      const end = { upTo: journal.top, receivedAt: 0 };
      expect(planRecovery({ id: "s", state }, offset, end, journal.view())).toMatchObject({
        kind: "resume",
        positions: new Map([["a", { logEpoch: "e", offset: 10 }]]),
      });
    });

  test("[SO41] what proves nothing is refused", () => {
    const one = model();
    // The last argument of a volatile event.
    expect(plan(one, "a text").kind).toBe("restart");
    expect(plan(one, 7).kind).toBe("restart");
    expect(plan(one, encodeOffset(one.journal.offsetAt(one.journal.top + 1))).kind).toBe("restart");
    // It may have a part of what it was sent again.
    expect(plan(one, undefined, { isReplayed: true }).kind).toBe("restart");
    expect(plan(one, encodeOffset(one.journal.offsetAt(one.start)), { isReplayed: true }).kind).toBe(
      "resume",
    );
    expect(plan(one, undefined, { channels: { a: null } }).kind).toBe("restart");
    expect(plan(one, undefined, { epoch: "another1" }).kind).toBe("restart");
  });

  test("[SO42] a union counts as received where one of its copies was", () => {
    const one = new Model();
    for (const channel of ["a", "b"]) one.join(channel);
    const union = { count: 1, logEpoch: "e", since: 0 };
    const first = one.journal.appendBatch("a", { ...union, unions: [[0, "u"]] }, one.now);
    const second = one.journal.appendBatch(
      "b",
      {
        ...union,
        count: 2,
        unions: [
          [0, "u"],
          [1, "v"],
        ],
      },
      one.now,
    );
    const unionsAt = (sequence: number) => {
      const planned = plan(one, encodeOffset(one.journal.offsetAt(sequence)));
      return planned.kind === "resume" ? planned.unions : undefined;
    };
    expect(unionsAt(one.start)).toEqual([]);
    expect(unionsAt(first)).toEqual(["u"]);
    expect(unionsAt(second)).toEqual(["u"]);
    expect(unionsAt(second + 1)).toEqual(["u", "v"]);
  });

  test("[SO42] the newest unions are the last, whichever channels they came in", () => {
    const one = new Model();
    for (const channel of ["a", "b"]) one.join(channel);
    const batch = { count: 1, logEpoch: "e" };
    for (let n = 0; n < 1_500; n++)
      one.journal.appendBatch("b", { ...batch, since: n, unions: [[0, `b-${n}`]] }, one.now);
    const last = one.journal.appendBatch("a", { ...batch, since: 0, unions: [[0, "newest"]] }, one.now);
    const planned = plan(one, encodeOffset(one.journal.offsetAt(last)), { unions: ["before"] });
    const unions = planned.kind === "resume" ? planned.unions : [];
    expect(unions.slice(-2)).toEqual(["b-1499", "newest"]);
    expect(unions).not.toContain("before");
    const early = plan(one, encodeOffset(one.journal.offsetAt(one.start + 2)), { unions: ["before"] });
    expect(early.kind === "resume" && early.unions).toEqual(["before", "b-0", "b-1"]);
  });
});
