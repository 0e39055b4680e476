import { expect, test } from "vitest";
import type { HistoryResult, Registration } from "../../../../src/contracts/log.ts";
import type { Delivery } from "../../../../src/contracts/orders.ts";
import type { ClientEvent, LogView, Position, Publication } from "../../../../src/contracts/publication.ts";
import type { Batch } from "../../../../src/shard/wire.ts";
import { Channels } from "../../../../src/shard/subscriptions/channels.ts";
import type { Beginning, Resume } from "../../../../src/shard/subscriptions/resume.ts";

const LIMITS = { recoveryMaxPublications: 300, resumeBytes: 1_000, tailBytes: 1_000 };
const PINNED = "ringcast:broadcast";

type Call<Answer> = { readonly answer: (value: Answer) => void; readonly fail: (error: Error) => void };

/** A page of the room's log. */
const page = (top: number, publications: readonly Publication[]): HistoryResult => ({
  logEpoch: "e",
  top,
  publications,
  refused: null,
});

/** Channels whose logs answer when the test says so, and that keep what each listener is sent. A listener is a name. */
class Shard {
  readonly registers: ({ channel: string; listening: unknown } & Call<Registration | null>)[] = [];
  readonly views: ({ after: number } & Call<LogView>)[] = [];
  readonly pages: ({ since: Position } & Call<HistoryResult>)[] = [];
  readonly batches: Batch[] = [];
  readonly gaveUp: string[] = [];
  /** How often a position is said to have changed. */
  touches = 0;
  readonly #heard = new Map<string, ClientEvent[]>();
  readonly channels: Channels<string>;

  constructor({ limits = LIMITS, pinned }: { limits?: typeof LIMITS; pinned?: string } = {}) {
    this.channels = new Channels<string>(
      limits,
      {
        register: (channel, listening) =>
          new Promise((answer, fail) => void this.registers.push({ channel, listening, answer, fail })),
        view: (_channel, after) =>
          new Promise((answer, fail) => void this.views.push({ after, answer, fail })),
        page: (_channel, since) =>
          new Promise((answer, fail) => void this.pages.push({ since, answer, fail })),
        giveUp: (channel, listeners) => this.gaveUp.push(`${channel}: ${listeners.join(" ")}`),
        positions: { touch: () => void (this.touches += 1) },
        emitter: {
          emit: (batch, listeners) => {
            this.batches.push(batch);
            for (const listener of listeners)
              this.#heard.set(listener, [...(this.#heard.get(listener) ?? []), ...batch.events]);
          },
        },
      },
      pinned,
    );
  }

  /** Listens to the room; answers with the beginning, or null where the listener did not want it. */
  async listen(
    listener: string,
    {
      resume = null,
      wantsPrevious = false,
      begin = () => true,
    }: { resume?: Resume | null; wantsPrevious?: boolean; begin?: (beginning: Beginning) => boolean } = {},
  ): Promise<Beginning | null> {
    let begun: Beginning | null = null;
    await this.channels.listen("room", { listener, resume, wantsPrevious }, (beginning) => {
      if (!begin(beginning)) return false;
      begun = beginning;
      return true;
    });
    return begun;
  }

  /** A shard that has heard of the room's first three publications, with these listeners. */
  static async listening(listeners: readonly string[], registration = REGISTERED): Promise<Shard> {
    const shard = new Shard();
    const joins = listeners.map((listener) => shard.listen(listener));
    shard.registers[0]?.answer(registration);
    await Promise.all(joins);
    return shard;
  }

  heard(listener: string): string[] {
    return (this.#heard.get(listener) ?? []).map(({ body }) => body);
  }

  /** Applies what the room sends, as its Channel sends it. */
  deliver(entries: Publication[], fields: Partial<Delivery> = {}) {
    return this.channels.deliver(delivery(entries, fields));
  }
}

const pub = (offset: number): Publication => ({ kind: "pub", offset, body: `p${offset}` });
const range = (from: number, to: number): Publication[] =>
  Array.from({ length: to - from + 1 }, (_, n) => pub(from + n));
/** `since` is what comes before the first publication. */
const delivery = (entries: Publication[], fields: Partial<Delivery> = {}): Delivery => ({
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
const POSITION = { logEpoch: "e", offset: 3 };
const turn = () => new Promise((resolve) => setImmediate(resolve));
const since = (offset: number): Resume => ({ since: { logEpoch: "e", offset }, mode: "stream" });

test("[SE1] all that subscribe at once wait for one registration", async () => {
  const shard = new Shard();
  const joins = [shard.listen("ann"), shard.listen("bob")];
  expect(shard.registers).toMatchObject([{ channel: "room", listening: null }]);
  shard.registers[0]?.answer(REGISTERED);
  const begun = { position: POSITION, recovery: null };
  expect(await Promise.all(joins)).toEqual([begun, begun]);
  await shard.deliver([pub(4), pub(5)]);
  expect(shard.heard("ann")).toEqual(["p4", "p5"]);
  expect(shard.heard("bob")).toEqual(["p4", "p5"]);
  // A later listener needs none.
  await shard.listen("eve");
  expect(shard.registers).toHaveLength(1);
});

test("[SE1, DL7] a publication that is delivered while the registration is on its way is neither lost nor repeated", async () => {
  const shard = new Shard();
  const joins = [shard.listen("ann"), shard.listen("bob", { resume: since(3) })];
  // The channel counts the shard as listening already: its answer includes 3, and 4 came after.
  const deliveries = [shard.deliver([pub(3)]), shard.deliver([pub(4)])];
  shard.registers[0]?.answer(REGISTERED);
  for (const delivered of deliveries) expect(await delivered).toMatchObject({ kind: "delivered" });
  const position = { logEpoch: "e", offset: 4 };
  expect(await Promise.all(joins)).toEqual([
    { position, recovery: null },
    { position, recovery: { kind: "resume", publications: [pub(4)] } },
  ]);
  await shard.deliver([pub(4), pub(5)]);
  expect(shard.heard("ann")).toEqual(["p5"]);
  expect(shard.heard("bob")).toEqual(["p5"]);
});

test("[BD94] a delivery is answered after the registration that is on its way, so that the next one waits in the channel", async () => {
  const shard = new Shard();
  const joined = shard.listen("ann");
  const answered: string[] = [];
  const delivered = Promise.resolve(shard.deliver([pub(4)])).then(({ kind }) => answered.push(kind));
  await turn();
  expect(answered).toEqual([]);
  shard.registers[0]?.answer(REGISTERED);
  await Promise.all([joined, delivered]);
  expect(answered).toEqual(["delivered"]);
});

test("[SE1] a delivery that is repeated, or overlaps another, is heard once", async () => {
  const shard = await Shard.listening(["ann"]);
  await shard.deliver([pub(4), pub(5)]);
  await shard.deliver([pub(4), pub(5)]);
  await shard.deliver([pub(5), pub(6)]);
  expect(shard.heard("ann")).toEqual(["p4", "p5", "p6"]);
  expect(shard.channels.positions().get("room")).toEqual({ logEpoch: "e", offset: 6, durable: true });
});

test("[SE1] a registration that failed fails its subscribers, and the next one tries again", async () => {
  const shard = new Shard();
  const joined = shard.listen("ann");
  shard.registers[0]?.fail(new Error("unreachable"));
  await expect(joined).rejects.toThrow("unreachable");
  expect(shard.channels.size).toBe(0);
  const again = shard.listen("ann");
  shard.registers[1]?.answer(REGISTERED);
  expect(await again).toEqual({ position: POSITION, recovery: null });
});

test("[SE1] a shard without listeners says so, and registers anew for the next", async () => {
  const shard = await Shard.listening(["ann"]);
  shard.channels.leave("room", "ann");
  expect(await shard.deliver([pub(4)])).toEqual({ kind: "noListeners", sessions: 0 });
  const later = shard.listen("bob");
  expect(shard.registers).toHaveLength(2);
  shard.registers[1]?.answer({ number: 2, logEpoch: "e", offset: 4, durable: true });
  await later;
  await shard.deliver([pub(5)]);
  expect([shard.heard("ann"), shard.heard("bob")]).toEqual([[], ["p5"]]);
});

test("[SE1] a session that went away while it waited does not listen", async () => {
  const shard = new Shard();
  const joined = shard.listen("ann", { begin: () => false });
  shard.registers[0]?.answer(REGISTERED);
  expect(await joined).toBeNull();
  expect(await shard.deliver([pub(4)])).toMatchObject({ kind: "noListeners" });
});

test("[SE1] a delivery is answered with the number of listeners, and counts name them by channel", async () => {
  const shard = await Shard.listening(["ann", "bob"]);
  expect(await shard.deliver([pub(4)])).toEqual({ kind: "delivered", sessions: 2 });
  expect(shard.channels.counts()).toEqual([["room", 2]]);
  expect(shard.channels.subscriptions).toBe(2);
  shard.channels.leave("room", "bob");
  expect([...shard.channels.listenersOf("room")]).toEqual(["ann"]);
});

test("[SE5] after a sleep a listener hears on, without a new registration", async () => {
  const shard = new Shard();
  const kept = { logEpoch: "e", offset: 8, durable: true };
  shard.channels.restore("room", { listener: "ann", wantsPrevious: false }, kept);
  await shard.deliver([pub(9)]);
  await shard.deliver([pub(9), pub(10)]);
  expect(shard.heard("ann")).toEqual(["p9", "p10"]);
  expect(shard.registers).toEqual([]);
});

test("[SE5] each change of a position is said, so that it is written before a sleep", async () => {
  const shard = await Shard.listening(["ann"]);
  const { touches } = shard;
  await shard.deliver([pub(4)]);
  expect(shard.touches).toBe(touches + 1);
  expect(shard.channels.positions().get("room")?.offset).toBe(4);
  await shard.deliver([pub(4)]);
  await shard.deliver([pub(5)]);
  expect(shard.touches).toBeGreaterThan(touches + 1);
  expect(shard.channels.positions().get("room")?.offset).toBe(5);
});

test("[LG5] a channel that keeps nothing begins anew with each of its lives", async () => {
  const shard = await Shard.listening(["ann"], { number: 1, logEpoch: "e", offset: 3, durable: false });
  await shard.deliver([pub(4)], { durable: false });
  await shard.deliver([pub(1), pub(2)], { durable: false, logEpoch: "f" });
  await shard.deliver([pub(2), pub(3)], { durable: false, logEpoch: "f" });
  // An earlier life has sent it, and it comes late.
  const late = shard.deliver([pub(4)], { durable: false, mayRepeat: true });
  const next = shard.deliver([pub(4)], { durable: false, logEpoch: "f" });
  shard.views[0]?.answer({ logEpoch: "f", top: 4, publications: [] });
  await Promise.all([late, next]);
  expect(shard.heard("ann")).toEqual(["p4", "p1", "p2", "p3", "p4"]);
  expect(shard.gaveUp).toEqual([]);
});

test("[BD100, LG5] a late call of a channel's earlier life is known as such after a sleep of the shard", async () => {
  const before = await Shard.listening(["ann"], { number: 1, logEpoch: "e", offset: 3, durable: false });
  await before.deliver([pub(4)], { durable: false });
  await before.deliver([pub(1)], { durable: false, logEpoch: "f" });
  const shard = new Shard();
  const kept = before.channels.positions().get("room");
  shard.channels.restore("room", { listener: "ann", wantsPrevious: false }, kept);
  const late = shard.deliver([pub(4)], { durable: false, mayRepeat: true });
  shard.views[0]?.answer({ logEpoch: "f", top: 1, publications: [] });
  await late;
  await shard.deliver([pub(2)], { durable: false, logEpoch: "f" });
  expect(shard.heard("ann")).toEqual(["p2"]);
});

test("[BD100, LG5] a late call that a shard takes for a new life does not silence the present one", async () => {
  const shard = await Shard.listening(["ann"], { number: 1, logEpoch: "f", offset: 0, durable: false });
  await shard.deliver([pub(1)], { durable: false, logEpoch: "f" });
  // The shard has never heard of that life.
  await shard.deliver([pub(7)], { durable: false, logEpoch: "e" });
  const again = shard.deliver([pub(1)], { durable: false, logEpoch: "f", mayRepeat: true });
  const next = shard.deliver([pub(2)], { durable: false, logEpoch: "f" });
  shard.views[0]?.answer({ logEpoch: "f", top: 2, publications: [] });
  await Promise.all([again, next]);
  expect(shard.heard("ann")).toEqual(["p1", "p7", "p2"]);
  expect(shard.views).toHaveLength(1);
});

test("[BD100] a delivery about which the log could not be asked is refused, and is applied when it comes again", async () => {
  const shard = await Shard.listening(["ann"], { number: 1, logEpoch: "f", offset: 0, durable: false });
  await shard.deliver([pub(7)], { durable: false, logEpoch: "e" });
  const refused = shard.deliver([pub(1)], { durable: false, logEpoch: "f" });
  shard.views[0]?.fail(new Error("unreachable"));
  await expect(refused).rejects.toThrow("unreachable");
  const again = shard.deliver([pub(1)], { durable: false, logEpoch: "f", mayRepeat: true });
  shard.views[1]?.answer({ logEpoch: "f", top: 1, publications: [] });
  await again;
  expect(shard.heard("ann")).toEqual(["p7", "p1"]);
});

test("[LG5] a listener of a channel that keeps nothing begins without a position, also where it would resume", async () => {
  const shard = new Shard();
  const joins = [shard.listen("ann"), shard.listen("bob", { resume: since(1) })];
  shard.registers[0]?.answer({ number: 1, logEpoch: "e", offset: 3, durable: false });
  const begun = { position: null, recovery: null };
  expect(await Promise.all(joins)).toEqual([begun, begun]);
  expect(shard.views).toEqual([]);
});

test("[DL8] listeners begin anew once where another log has taken the place of theirs", async () => {
  const shard = await Shard.listening(["ann", "bob"]);
  await shard.deliver([pub(4)], { logEpoch: "f" });
  expect(shard.gaveUp).toEqual(["room: ann bob"]);
  expect(shard.heard("ann")).toEqual([]);
  // The shard has no listener now; a client that comes back finds the new log.
  expect(await shard.deliver([pub(5)], { logEpoch: "f" })).toMatchObject({ kind: "noListeners" });
  expect(shard.gaveUp).toEqual(["room: ann bob"]);
});

test("[DL8] a shard that woke without its position takes a delivery that cannot be a repeat, and no other", async () => {
  for (const mayRepeat of [false, true]) {
    const shard = new Shard();
    shard.channels.restore("room", { listener: "ann", wantsPrevious: false }, undefined);
    await shard.deliver([pub(7)], { mayRepeat });
    expect(shard.heard("ann")).toEqual(mayRepeat ? [] : ["p7"]);
    expect(shard.gaveUp).toEqual(mayRepeat ? ["room: ann"] : []);
  }
});

test("[DL8] listeners that the channel cannot place begin anew, and a new registration follows", async () => {
  const shard = new Shard();
  shard.channels.restore("room", { listener: "ann", wantsPrevious: false }, undefined);
  const joined = shard.listen("bob");
  expect(shard.registers).toMatchObject([{ listening: { position: null } }]);
  shard.registers[0]?.answer(null);
  await turn();
  expect(shard.registers).toHaveLength(2);
  expect(shard.gaveUp).toEqual(["room: ann"]);
  expect(shard.registers[1]).toMatchObject({ listening: null });
  shard.registers[1]?.answer(REGISTERED);
  expect(await joined).toEqual({ position: POSITION, recovery: null });
});

// A known fault: the delivery was answered, is dropped with the failed registration, and the next one shows no gap.
test("[DL1] a delivery that waited for a registration that failed is not lost to listeners that slept", async () => {
  const shard = new Shard();
  shard.channels.restore("room", { listener: "ann", wantsPrevious: false }, undefined);
  const joined = shard.listen("bob");
  const delivered = shard.deliver([pub(7)]);
  shard.registers[0]?.fail(new Error("unreachable"));
  await expect(joined).rejects.toThrow("unreachable");
  expect(await delivered).toMatchObject({ kind: "delivered" });
  await shard.deliver([pub(8)]);
  // Either ann hears both, or she begins anew.
  expect({ heard: shard.heard("ann"), gaveUp: shard.gaveUp }).not.toEqual({ heard: ["p8"], gaveUp: [] });
});

test("[DL1] publications that are missing between two deliveries are fetched before the second is applied", async () => {
  const shard = await Shard.listening(["ann"]);
  const gap = shard.deliver([pub(6)]);
  const next = shard.deliver([pub(7)]);
  await turn();
  expect(shard.heard("ann")).toEqual([]);
  shard.pages[0]?.answer(page(6, [pub(4), pub(5), pub(6)]));
  await Promise.all([gap, next]);
  expect(shard.heard("ann")).toEqual(["p4", "p5", "p6", "p7"]);
});

test("[DL1] a delivery whose gap could not be fetched is refused, and is applied when it comes again", async () => {
  const shard = await Shard.listening(["ann"]);
  const gap = shard.deliver([pub(6)]);
  shard.pages[0]?.fail(new Error("unreachable"));
  await expect(gap).rejects.toThrow("unreachable");
  const again = shard.deliver([pub(6)], { mayRepeat: true });
  shard.pages[1]?.answer(page(6, [pub(4), pub(5), pub(6)]));
  await again;
  expect(shard.heard("ann")).toEqual(["p4", "p5", "p6"]);
});

test("[DL8] a gap that the log no longer holds makes listeners begin anew", async () => {
  const shard = await Shard.listening(["ann"]);
  const gap = shard.deliver([pub(6)]);
  shard.pages[0]?.answer(page(6, [pub(5), pub(6)]));
  await gap;
  expect(shard.gaveUp).toEqual(["room: ann"]);
  expect(shard.heard("ann")).toEqual([]);
});

test("[BD5] a gap larger than one call is fetched page by page, and no further than the delivery", async () => {
  const shard = await Shard.listening(["ann"]);
  const gap = shard.deliver([pub(8)]);
  shard.pages[0]?.answer(page(9, [pub(4), pub(5)]));
  await turn();
  expect(shard.heard("ann")).toEqual(["p4", "p5"]);
  expect(shard.pages.map(({ since: { offset } }) => offset)).toEqual([3, 5]);
  shard.pages[1]?.answer(page(9, [pub(6), pub(7)]));
  await gap;
  expect(shard.heard("ann")).toEqual(["p4", "p5", "p6", "p7", "p8"]);
  expect(shard.pages).toHaveLength(2);
});

test("[DL8] a gap in a log that has been replaced makes listeners begin anew", async () => {
  const shard = await Shard.listening(["ann"]);
  const gap = shard.deliver([pub(6)]);
  shard.pages[0]?.answer({ ...page(6, []), logEpoch: "f", refused: "unrecoverablePosition" });
  await gap;
  expect(shard.gaveUp).toEqual(["room: ann"]);
});

test("[DL3] publications that are dropped from a log while it is looked at are not remembered from that look", async () => {
  const shard = await Shard.listening(["ann"]);
  const bob = shard.listen("bob", { resume: since(1) });
  await turn();
  expect(shard.views).toHaveLength(1);
  await shard.channels.deliver(delivery([], { since: 3, entries: [{ kind: "cleared", body: "" }] }));
  // Read before the log was cleared, and here after the word of that.
  shard.views[0]?.answer({ logEpoch: "e", top: 3, publications: [pub(2), pub(3)] });
  await bob;
  const eve = shard.listen("eve", { resume: since(1) });
  await turn();
  expect(shard.views).toHaveLength(2);
  shard.views[1]?.answer({ logEpoch: "e", top: 3, publications: [] });
  expect((await eve)?.recovery?.kind).toBe("restart");
});

test("[DL7] a listener that resumes gets what it missed, with what was delivered while the log was asked", async () => {
  const shard = await Shard.listening(["ann"]);
  const bob = shard.listen("bob", { resume: since(1) });
  await turn();
  expect(shard.views).toMatchObject([{ after: 1 }]);
  await shard.deliver([pub(4)]);
  shard.views[0]?.answer({ logEpoch: "e", top: 3, publications: [pub(2), pub(3)] });
  expect(await bob).toEqual({
    position: { logEpoch: "e", offset: 4 },
    recovery: { kind: "resume", publications: range(2, 4) },
  });
  await shard.deliver([pub(5)]);
  expect(shard.heard("bob")).toEqual(["p5"]);
});

test("[DL6] listeners that resume after the first of them are answered from memory", async () => {
  const shard = await Shard.listening(["ann"]);
  const first = shard.listen("bob", { resume: since(0) });
  await turn();
  expect(shard.views).toHaveLength(1);
  shard.views[0]?.answer({ logEpoch: "e", top: 3, publications: range(1, 3) });
  await first;
  const later = await Promise.all(
    [0, 1, 2, 3].map((offset) => shard.listen(`eve ${offset}`, { resume: since(offset) })),
  );
  expect(later.map((begun) => begun?.recovery)).toEqual(
    [1, 2, 3, 4].map((from) => ({ kind: "resume", publications: range(from, 3) })),
  );
  expect(shard.views).toHaveLength(1);
});

test("[DL10] a batch carries the publication before it where a listener wants that, and nowhere else", async () => {
  const shard = await Shard.listening(["ann"]);
  await shard.deliver([pub(4)]);
  await shard.deliver([pub(5)]);
  await shard.listen("bob", { wantsPrevious: true });
  await shard.deliver([pub(6), pub(7)]);
  await shard.deliver([pub(8)]);
  shard.channels.leave("room", "bob");
  await shard.deliver([pub(9)]);
  expect(shard.batches.map(({ previous }) => previous)).toEqual([
    undefined,
    undefined,
    pub(5),
    pub(7),
    undefined,
  ]);
});

test("[DL10] the publication before a batch is unknown after a sleep of the shard, and in a new log", async () => {
  const shard = new Shard();
  const kept = { logEpoch: "e", offset: 8, durable: true };
  shard.channels.restore("room", { listener: "ann", wantsPrevious: true }, kept);
  await shard.deliver([pub(9)]);
  await shard.deliver([pub(10)]);
  expect(shard.batches.map(({ previous }) => previous)).toEqual([undefined, pub(9)]);
});

test("[LG5] a batch of a channel that keeps nothing has no publication before it", async () => {
  const shard = new Shard();
  const joined = shard.listen("ann", { wantsPrevious: true });
  shard.registers[0]?.answer({ number: 1, logEpoch: "e", offset: 3, durable: false });
  await joined;
  await shard.deliver([pub(4)], { durable: false });
  await shard.deliver([pub(5)], { durable: false });
  expect(shard.batches.map(({ durable, previous }) => ({ durable, previous }))).toEqual([
    { durable: false, previous: undefined },
    { durable: false, previous: undefined },
  ]);
});

test("[FO1] the pinned channel is followed without a listener, and after a sleep a listener begins where the shard is", async () => {
  const shard = new Shard({ pinned: PINNED });
  shard.channels.seed(PINNED, { logEpoch: "e", offset: 3, durable: true });
  expect(await shard.deliver([pub(4)], { channel: PINNED })).toEqual({ kind: "delivered", sessions: 0 });
  const beginnings: Beginning[] = [];
  await shard.channels.listen(
    PINNED,
    { listener: "ann", resume: null, wantsPrevious: false },
    (beginning) => beginnings.push(beginning) > 0,
  );
  expect(beginnings).toEqual([{ position: { logEpoch: "e", offset: 4 }, recovery: null }]);
  expect(shard.registers).toEqual([]);
  expect([shard.channels.size, shard.channels.counts()]).toEqual([0, []]);
  expect(shard.channels.hasListeners(PINNED)).toBe(true);
});

test("[BD15, FO1] a delivery, which may be late, does not say where a shard is in the pinned channel: the first listener asks", async () => {
  const shard = new Shard({ pinned: PINNED });
  await shard.deliver([pub(4)], { channel: PINNED });
  const beginnings: Beginning[] = [];
  const request = { listener: "ann", resume: null, wantsPrevious: false };
  const listening = shard.channels.listen(PINNED, request, (beginning) => beginnings.push(beginning) > 0);
  shard.registers[0]?.answer({ number: 2, logEpoch: "e", offset: 5, durable: true });
  await listening;
  expect(beginnings).toEqual([{ position: { logEpoch: "e", offset: 5 }, recovery: null }]);
  // The late one again, and then what comes after the registration.
  await shard.deliver([pub(4)], { channel: PINNED });
  await shard.deliver([pub(6)], { channel: PINNED });
  expect(shard.heard("ann")).toEqual(["p6"]);
});

test("[DL3] a shard forgets what it has heard with its registration, as it hears of no removal any more", async () => {
  const shard = await Shard.listening(["ann"]);
  await shard.deliver([pub(4)]);
  shard.channels.leave("room", "ann");
  expect(shard.channels.hasListeners("room")).toBe(false);
  // The channel's history is removed while the shard does not listen.
  const bob = shard.listen("bob", { resume: since(3) });
  shard.registers[1]?.answer({ number: 2, logEpoch: "e", offset: 4, durable: true });
  await turn();
  shard.views[0]?.answer({ logEpoch: "e", top: 4, publications: [] });
  expect((await bob)?.recovery?.kind).toBe("restart");
});

test("[FO1] a seed is ignored where the shard knows better", async () => {
  const shard = await Shard.listening(["ann"]);
  shard.channels.seed("room", { logEpoch: "e", offset: 99, durable: true });
  expect(shard.channels.positions().get("room")).toMatchObject({ offset: 3 });
});
