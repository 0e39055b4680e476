import { applyDelta } from "fossil-delta";
import { describe, expect, test } from "vitest";
import { DeltaBases, Frames } from "../../../src/centrifuge/frames.ts";
import {
  encodePresenceEvent,
  encodePublication,
  type ClientEvent,
  type Publication,
} from "../../../src/contracts/publication.ts";
import type { Session, Subscription } from "../../../src/shard/connections/session.ts";
import { newSession } from "../../../src/shard/connections/sessions.ts";
import type { Batch } from "../../../src/shard/wire.ts";

const LONG = "a long text that every publication has in common, so that a patch is shorter";

const pub = (offset: number, tags?: Record<string, string>): Publication => ({
  kind: "pub",
  offset,
  body: encodePublication({
    json: JSON.stringify(`${LONG} ${offset}`),
    ...(tags === undefined ? {} : { tags }),
  }),
});
const passing: ClientEvent = { kind: "passing", body: encodePublication({ json: `"passing"` }) };
const presence = (kind: "join" | "leave"): ClientEvent => ({
  kind,
  body: encodePresenceEvent({ user: "ann", client: "c" }),
});

function session(): Session {
  const sent = { send: () => undefined };
  return newSession(
    sent as Partial<WebSocket> as WebSocket,
    { state: "opening", id: "s", openedAt: 0, key: "ann", clientRegion: "auto", rank: 0 },
    { commandBurst: 1, commandsPerSecond: 1 },
  );
}

const batch = (events: readonly ClientEvent[], fields: Partial<Batch> = {}): Batch => ({
  channel: "room",
  events,
  durable: true,
  logEpoch: "e",
  previous: undefined,
  ...fields,
});

type Pub = { data: string; offset?: number; delta?: true; tags?: unknown };
type Line = { push: { channel: string; pub?: Pub; join?: unknown; leave?: unknown } };

const readFrame = (frame: string): Line["push"][] =>
  frame === "" ? [] : frame.split("\n").map((line) => (JSON.parse(line) as Line).push);

/** The lines that one subscription gets of a batch: an offset, "passing", "join" or "leave" for each. */
function heard(one: Batch, subscription: Subscription, bases = new DeltaBases()): (number | string)[] {
  return readFrame(new Frames(one, bases).frameFor(session(), subscription)).map(
    ({ channel, pub: publication, join }) => {
      expect(channel).toBe("room");
      if (publication !== undefined) return publication.offset ?? "passing";
      return join === undefined ? "leave" : "join";
    },
  );
}

describe("[SE1] a frame has a line for each event that the subscription wants", () => {
  const events = [pub(4), presence("join"), passing, pub(5), presence("leave")];

  test("in the order of the channel; joins and leaves only where the subscription has them", () => {
    expect(heard(batch(events), {})).toEqual([4, "passing", 5]);
    expect(heard(batch(events), { joinLeave: true })).toEqual([4, "join", "passing", 5, "leave"]);
  });

  test("a subscription that wants nothing of a batch gets no frame", () => {
    expect(new Frames(batch([presence("join")]), new DeltaBases()).frameFor(session(), {})).toBe("");
  });

  test("the text of a frame is made once for all that want the same", () => {
    const frames = new Frames(batch(events), new DeltaBases());
    expect(frames.frameFor(session(), {})).toBe(frames.frameFor(session(), { byServer: true, since: 3 }));
  });

  test("[LG5] publications of a channel that keeps nothing have no offset", () => {
    const plain = batch([pub(4)], { durable: false });
    expect(heard(plain, {})).toEqual(["passing"]);
    // Its offsets begin anew with each of its lives, so they say nothing to a subscription.
    expect(heard(plain, { since: 9 })).toEqual(["passing"]);
  });

  test("a channel whose name needs escapes is named as it is", () => {
    const frames = new Frames(batch([pub(4)], { channel: 'a"b\\c' }), new DeltaBases());
    expect(readFrame(frames.frameFor(session(), {}))[0]?.channel).toBe('a"b\\c');
  });
});

test("[DL7] a subscription that begins within a batch gets only the publications after its beginning", () => {
  const events = [pub(4), presence("join"), pub(5), passing, pub(6)];
  expect(heard(batch(events), { since: 3 })).toEqual([4, 5, "passing", 6]);
  expect(heard(batch(events), { since: 4 })).toEqual([5, "passing", 6]);
  expect(heard(batch(events), { since: 6, joinLeave: true })).toEqual(["join", "passing"]);
});

test("[AP7] a subscription with a filter gets the publications that pass, and joins and leaves as before", () => {
  const events = [
    pub(4, { team: "a" }),
    pub(5, { team: "b" }),
    presence("join"),
    pub(6),
    pub(7, { team: "a" }),
  ];
  const filter = { key: "team", cmp: "eq", val: "a" } as const;
  expect(heard(batch(events), { filter })).toEqual([4, 7]);
  expect(heard(batch(events), { filter, joinLeave: true, since: 4 })).toEqual(["join", 7]);
});

describe("[DL10] a subscription with delta gets each publication as a patch of the one that it got before", () => {
  /** A client with delta, and the texts that it has heard. */
  class Reader {
    readonly session = session();
    readonly got: { text: string; patched: boolean }[] = [];
    #base = "";

    read(frame: string): void {
      for (const push of readFrame(frame)) if (push.pub !== undefined) this.take(push.pub);
    }

    take({ data, delta }: Pub): void {
      const bytes = (text: string) => new TextEncoder().encode(text);
      const text =
        delta === true ? new TextDecoder().decode(applyDelta(bytes(this.#base), bytes(data))) : data;
      this.#base = text;
      this.got.push({ text: JSON.parse(text) as string, patched: delta === true });
    }
  }
  const text = (offset: number) => `${LONG} ${offset}`;
  const DELTA: Subscription = { delta: true };

  test("the first is whole, the next ones are patches, also across batches that carry the one before", () => {
    const bases = new DeltaBases();
    const reader = new Reader();
    reader.read(new Frames(batch([pub(4), pub(5)]), bases).frameFor(reader.session, DELTA));
    reader.read(new Frames(batch([pub(6)], { previous: pub(5) }), bases).frameFor(reader.session, DELTA));
    reader.read(new Frames(batch([pub(7)]), bases).frameFor(reader.session, DELTA));
    expect(reader.got).toEqual([
      { text: text(4), patched: false },
      { text: text(5), patched: true },
      { text: text(6), patched: true },
      // The one before is not known any more.
      { text: text(7), patched: false },
    ]);
  });

  test("each session has a base of its own", () => {
    const bases = new DeltaBases();
    const [early, late] = [new Reader(), new Reader()];
    early.read(new Frames(batch([pub(4)]), bases).frameFor(early.session, DELTA));
    const frames = new Frames(batch([pub(5)], { previous: pub(4) }), bases);
    early.read(frames.frameFor(early.session, DELTA));
    late.read(frames.frameFor(late.session, DELTA));
    expect(early.got.at(-1)).toEqual({ text: text(5), patched: true });
    expect(late.got).toEqual([{ text: text(5), patched: false }]);
  });

  test("after a publication that its filter held back, or one that is not kept, the next is whole", () => {
    const filter = { key: "team", cmp: "eq", val: "a" } as const;
    const filtered = new Reader();
    const events = [
      pub(4, { team: "a" }),
      pub(5, { team: "b" }),
      pub(6, { team: "a" }),
      pub(7, { team: "a" }),
    ];
    filtered.read(
      new Frames(batch(events), new DeltaBases()).frameFor(filtered.session, { delta: true, filter }),
    );
    expect(filtered.got).toEqual([
      { text: text(4), patched: false },
      { text: text(6), patched: false },
      { text: text(7), patched: true },
    ]);
    const plain = new Reader();
    const mixed = [pub(4), passing, pub(5), pub(6)];
    plain.read(new Frames(batch(mixed), new DeltaBases()).frameFor(plain.session, DELTA));
    expect(plain.got.map(({ patched }) => patched)).toEqual([false, false, false, true]);
    expect(plain.got.map((one) => one.text)).toEqual([text(4), "passing", text(5), text(6)]);
  });

  test("after a resume the first that was missed is whole, and later ones join on", () => {
    const bases = new DeltaBases();
    const reader = new Reader();
    reader.read(new Frames(batch([pub(4)]), bases).frameFor(reader.session, DELTA));
    const missed = new Frames(batch([pub(5), pub(6)]), bases).missedBy(reader.session, DELTA);
    for (const one of missed) reader.take(JSON.parse(one) as Pub);
    reader.read(new Frames(batch([pub(7)], { previous: pub(6) }), bases).frameFor(reader.session, DELTA));
    expect(reader.got.slice(1)).toEqual([
      { text: text(5), patched: false },
      { text: text(6), patched: true },
      { text: text(7), patched: true },
    ]);
  });

  test("after a resume that missed nothing the next is whole", () => {
    const bases = new DeltaBases();
    const reader = new Reader();
    reader.read(new Frames(batch([pub(4)]), bases).frameFor(reader.session, DELTA));
    expect(new Frames(batch([]), bases).missedBy(reader.session, DELTA)).toEqual([]);
    reader.read(new Frames(batch([pub(5)], { previous: pub(4) }), bases).frameFor(reader.session, DELTA));
    expect(reader.got.at(-1)).toEqual({ text: text(5), patched: false });
  });

  test("a channel that keeps nothing has no patches", () => {
    const one = batch([pub(4), pub(5)], { durable: false });
    const pushes = readFrame(new Frames(one, new DeltaBases()).frameFor(session(), DELTA));
    expect(pushes.map((push) => push.pub)).toEqual([{ data: text(4) }, { data: text(5) }]);
  });
});

test("[DL2, AP7] a subscription that resumes gets what it missed with offsets, and what passes its filter", () => {
  const events = [pub(4, { team: "a" }), pub(5, { team: "b" })];
  const missed = (subscription: Subscription) =>
    new Frames(batch(events), new DeltaBases())
      .missedBy(session(), subscription)
      .map((one) => (JSON.parse(one) as Pub).offset);
  expect(missed({})).toEqual([4, 5]);
  expect(missed({ filter: { key: "team", cmp: "eq", val: "b" } })).toEqual([5]);
});

test("[SO51] no frame shows what a front tells itself: whole, as a patch, missed, and where nothing is kept", () => {
  const hidden = (json: string) =>
    encodePublication({ json, tags: { a: "b" }, forFront: { except: ["secret"] } });
  const kept = [1, 2].map((offset): Publication => ({
    kind: "pub",
    offset,
    body: hidden(JSON.stringify(`${LONG} ${offset}`)),
  }));
  const events: ClientEvent[] = [...kept, { kind: "passing", body: hidden('"passing"') }];
  const bases = new DeltaBases();
  for (const durable of [true, false])
    for (const subscription of [{}, { delta: true as const }]) {
      const frames = new Frames(batch(events, { durable }), bases);
      const texts = [frames.frameFor(session(), subscription), ...frames.missedBy(session(), subscription)];
      expect(texts.join("\n")).not.toMatch(/secret|forFront/);
      for (const { pub: publication } of readFrame(texts[0] ?? ""))
        expect(publication).toMatchObject({ tags: { a: "b" } });
    }
});
