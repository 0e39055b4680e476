import { expect, test } from "vitest";
import { parseConfig } from "../../../../src/config/config.ts";
import { shardAddress } from "../../../../src/contracts/address.ts";
import type { Session } from "../../../../src/shard/connections/session.ts";
import type { Core } from "../../../../src/shard/front.ts";
import type { Frames } from "../../../../src/shard/frame.ts";
import { encodeMessage } from "../../../../src/socketio/message.ts";
import { Recovery } from "../../../../src/socketio/recovery/recovery.ts";
import type { TakeRequest } from "../../../../src/socketio/recovery/taken.ts";
import { SocketIndex } from "../../../../src/socketio/socket-index.ts";
import { SocketWire } from "../../../../src/socketio/wire.ts";
import { SimStorage } from "../../../sim/storage.ts";
import { ID, SECRET, sessionWithSocket } from "./session.ts";

const CHANNEL = "ringcast:io:/";
const POSITION = { logEpoch: "e", offset: 0 };
/** The time of a session, and the time in which a lost connection goes unnoticed. */
const KEPT_MS = 120_000 + 80_000;

/** One shard with one socket. */
function setUp(socketio: Record<string, unknown> = { connectionStateRecovery: true }) {
  const storage = new SimStorage();
  const sent: Frames[] = [];
  const armed: number[] = [];
  /** The questions to other shards; each waits for its answer. */
  const asked: { readonly shard: string; readonly answer: (answer: unknown) => void }[] = [];
  const stubOf = (shard: string) => ({
    askFront: () =>
      new Promise<string>((resolve) =>
        asked.push({ shard, answer: (answer) => resolve(JSON.stringify(answer)) }),
      ),
  });
  const sessions = new Set<Session>();
  const { session } = sessionWithSocket(new Map([[CHANNEL, { since: 0 }]]));
  const index = new SocketIndex(sessions);
  let release = (): void => undefined;
  const emitter = {
    isIdle: true,
    sent: () => new Promise<void>((resolve) => (release = resolve)),
  };
  const open = (): Recovery | undefined =>
    Recovery.of({
      core: {
        env: { SHARD_SOCKETIO: { getByName: stubOf } },
        config: parseConfig({ RINGCAST: { socketio } }),
        shard: shardAddress("socketio", { region: "auto", id: "s1" }),
        storage: storage as unknown as DurableObjectStorage,
        connections: {
          seenAt: () => Date.now(),
          send: (_: Session, frames: Frames) => sent.push(frames),
          close: () => end(),
        },
        subscriptions: { listenersOf: () => sessions },
        emitter,
        // A shard that has come since this one left the ring.
        isShard: ({ id }: { readonly id: string }) => id !== "s9",
        nextPingAt: () => Date.now(),
        arm: (at: number) => armed.push(at),
      } as unknown as Core,
      wire: new SocketWire(),
      index,
    });
  let recovery = open();
  const begin = (): void => {
    sessions.add(session);
    index.add(ID, session);
    recovery?.begin({ id: ID, secret: SECRET }, { nsp: "/", data: {}, session });
    recovery?.keeper.joined(ID, CHANNEL, POSITION);
  };
  const end = (): void => {
    sessions.delete(session);
    index.delete(ID);
    recovery?.keeper.ended(session, ID, { data: {}, reason: "transport close" });
  };
  return {
    storage,
    session,
    sent,
    armed,
    asked,
    /** A batch is on its way to the sockets; the answer ends it. */
    pause(): () => void {
      emitter.isIdle = false;
      return () => {
        emitter.isIdle = true;
        release();
      };
    },
    begin,
    end,
    get recovery(): Recovery {
      if (recovery === undefined) throw new Error("nothing is recovered");
      return recovery;
    },
    open,
    /** The object dies, and its socket with it. */
    crash(): void {
      sessions.delete(session);
      index.delete(ID);
      recovery = open();
    },
    /** The object sleeps, and its socket stays. */
    sleep(): void {
      recovery = open();
    },
    written: (): number => storage.sql.exec("SELECT total_changes() AS n").one()?.["n"] as number,
    rows: (): number =>
      ["socketio_journal", "socketio_sessions"].reduce(
        (sum, table) => sum + storage.sql.exec(`SELECT * FROM ${table}`).toArray().length,
        0,
      ),
  };
}

const batch = (offset: number) => ({
  channel: CHANNEL,
  events: [
    {
      kind: "pub" as const,
      offset,
      body: `{"data":${JSON.stringify(encodeMessage("/", ["e", offset], {}))}}`,
    },
  ],
  durable: true,
  logEpoch: "e",
  previous: undefined,
});
const unionIn = (channel: string, offset: number, union: string) => {
  const message = encodeMessage("/", ["both", offset], { union });
  const body = `{"data":${JSON.stringify(message)}}`;
  return { ...batch(offset), channel, events: [{ kind: "pub" as const, offset, body }] };
};
const take = (offset?: unknown): TakeRequest => ({
  nsp: "/",
  id: ID,
  secret: SECRET,
  offset,
  to: "auto.s2",
  by: "call",
});

test("[SO48] each thing costs the rows that the guide says, and nothing is written where nothing is recovered", () => {
  const shard = setUp();
  let before = 0;
  const cost = (act: () => unknown): number => {
    act();
    const rows = shard.written() - before;
    before += rows;
    return rows;
  };
  const { recovery } = shard;
  expect(cost(() => shard.begin())).toBe(1);
  expect(cost(() => recovery.keeper.joined(ID, `${CHANNEL},red`, POSITION))).toBe(1);
  expect(cost(() => recovery.keeper.left(ID, `${CHANNEL},red`))).toBe(1);
  expect(cost(() => recovery.keeper.dataChanged(ID, { a: 1 }))).toBe(1);
  expect(cost(() => recovery.delivery.encodeBatch(batch(1)))).toBe(1);
  expect(cost(() => recovery.emit("/", ID, ["direct"], { volatile: false }))).toBe(1);
  expect(cost(() => recovery.emit("/", ID, ["volatile"], { volatile: true }))).toBe(0);
  expect(cost(() => shard.end())).toBe(1);
  expect(cost(() => recovery.take(take()))).toBe(1);
  expect(setUp({}).open()).toBeUndefined();
});

test("[SO48] the alarm removes everything in its time, and rings no more when nothing is left", async () => {
  const shard = setUp();
  const { recovery } = shard;
  const start = Date.now();
  shard.begin();
  recovery.delivery.encodeBatch(batch(1));
  expect(shard.armed).toHaveLength(1);
  // The place of a socket in a quiet channel stays, however long.
  for (let n = 1; n < 5; n++) expect(await recovery.run(start + n * KEPT_MS)).toBe(start + (n + 1) * KEPT_MS);
  expect(shard.rows()).toBe(2);
  shard.end();
  let due: number | undefined = start + 5 * KEPT_MS;
  let runs = 0;
  while (due !== undefined && runs++ < 5) due = await recovery.run(due);
  expect(due).toBeUndefined();
  expect(shard.rows()).toBe(0);
  // The next event appoints it again.
  shard.begin();
  expect(shard.armed).toHaveLength(2);
});

test("[SO46] a session is taken once, also after a crash; the same call is answered again", () => {
  const shard = setUp();
  shard.begin();
  for (const offset of [1, 2]) shard.recovery.delivery.encodeBatch(batch(offset));
  const { journalEpoch } = shard.recovery.journal.offsetAt(0);
  shard.crash();
  const taken = shard.recovery.take(take(`${journalEpoch}.1`));
  expect(taken).toMatchObject({ kind: "taken", positions: [[CHANNEL, "e", 1]], direct: [] });
  expect(shard.recovery.take(take(`${journalEpoch}.1`))).toEqual(taken);
  expect(shard.recovery.take({ ...take(`${journalEpoch}.1`), by: "another" })).toMatchObject({
    kind: "none",
  });
  expect(shard.recovery.take({ ...take(), to: "auto.s3", by: "third" })).toEqual({
    kind: "moved",
    to: "auto.s2",
  });
  expect(shard.recovery.take({ ...take(), secret: "c".repeat(20) })).toMatchObject({ kind: "none" });
});

test("[SO45] an event for a socket that is away waits for it, and a socket that is here is ended when it is taken", () => {
  const shard = setUp();
  shard.begin();
  expect(shard.recovery.emitTo("/", ID, encodeMessage("/", ["here"], {}))).toBe(true);
  expect(shard.sent).toHaveLength(1);
  shard.end();
  const away = encodeMessage("/", ["away"], {});
  expect(shard.recovery.emitTo("/", ID, away)).toBe(true);
  expect(shard.recovery.emitTo("/other", ID, away)).toBe(false);
  expect(shard.recovery.emitTo("/", "auto.s1~cccccccccccccccccccc", away)).toBe(false);
  const { journalEpoch } = shard.recovery.journal.offsetAt(0);
  expect(shard.recovery.take(take(`${journalEpoch}.1`))).toMatchObject({ kind: "taken", direct: [away] });

  const faster = setUp();
  faster.begin();
  expect(faster.recovery.take({ ...take(), secret: "c".repeat(20) })).toMatchObject({ kind: "none" });
  expect(faster.recovery.take(take())).toMatchObject({ kind: "taken" });
});

test("[SO46] an event for a socket that is on its way here waits for it", async () => {
  const shard = setUp();
  const { recovery } = shard;
  const away = "auto.s2~cccccccccccccccccccc";
  const request = { ...take(), id: away, to: "auto.s1" };
  const taking = recovery.ask(request, shard.session, (taken) => {
    if (taken.kind !== "taken") return;
    const state = {
      nsp: "/",
      data: {},
      epoch: recovery.journal.offsetAt(0).journalEpoch,
      start: 0,
      channels: {},
    };
    recovery.saved.save({
      id: away,
      secret: SECRET,
      state,
      gone: { upTo: 0, receivedAt: 0, until: Infinity },
    });
  });
  const message = encodeMessage("/", ["early"], {});
  const emitted = recovery.emitTo("/", away, message);
  await Promise.resolve();
  expect(shard.asked.map((one) => one.shard)).toEqual(["auto/s2"]);
  shard.asked[0]?.answer({ kind: "taken", data: {}, positions: [], unions: [], direct: [] });
  expect(await emitted).toBe(true);
  await taking;
  expect(recovery.journal.direct(away, 0)).toEqual([message]);
});

test("[SO46] a session that has moved is asked for where it is, and its first shard is told of the next", async () => {
  const shard = setUp();
  const { recovery } = shard;
  const away = "auto.s2~cccccccccccccccccccc";
  const taking = recovery.ask({ ...take(), id: away, to: "auto.s1" }, shard.session, ({ kind }) => kind);
  await Promise.resolve();
  shard.asked[0]?.answer({ kind: "moved", to: "auto.s3" });
  while (shard.asked.length < 2) await new Promise((resolve) => setTimeout(resolve));
  shard.asked[1]?.answer({ kind: "taken", data: {}, positions: [], unions: [], direct: [] });
  expect(await taking).toBe("taken");
  expect(shard.asked.map((one) => one.shard)).toEqual(["auto/s2", "auto/s3", "auto/s2"]);
});

test("[SO65] an event follows its socket to a shard that this one has never heard of; no client's word makes a shard", async () => {
  const shard = setUp();
  shard.begin();
  expect(shard.recovery.take({ ...take(), to: "auto.s9" })).toMatchObject({ kind: "taken" });
  const emitted = shard.recovery.emitTo("/", ID, encodeMessage("/", ["late"], {}));
  await Promise.resolve();
  expect(shard.asked.map((one) => one.shard)).toEqual(["auto/s9"]);
  shard.asked[0]?.answer(true);
  expect(await emitted).toBe(true);

  const madeUp = { ...take(), id: "auto.s9~cccccccccccccccccccc", to: "auto.s1" };
  expect(await shard.recovery.ask(madeUp, shard.session, ({ kind }) => kind)).toBe("none");
  expect(shard.asked).toHaveLength(1);
});

test("[SO46] a connection asks other shards so often, and no more", async () => {
  const shard = setUp();
  const away = { ...take(), id: "auto.s2~cccccccccccccccccccc", to: "auto.s1" };
  const answers = Array.from({ length: 200 }, () =>
    shard.recovery.ask(away, shard.session, ({ kind }) => kind),
  );
  await Promise.resolve();
  expect(shard.asked).toHaveLength(128);
  for (const { answer } of shard.asked) answer({ kind: "none", reason: "" });
  expect(await Promise.all(answers)).toEqual(answers.map(() => "none"));
});

test("[SO43] an event for one socket gets no place before what is on its way to the socket, nor before another", async () => {
  const shard = setUp();
  shard.begin();
  const { recovery } = shard;
  const resume = shard.pause();
  const before = recovery.journal.top;
  for (const event of ["first", "second"]) recovery.emit("/", ID, [event], { volatile: false });
  await Promise.resolve();
  expect([shard.sent.length, recovery.journal.top]).toEqual([0, before]);
  resume();
  recovery.emit("/", ID, ["third"], { volatile: false });
  while (shard.sent.length < 3) await new Promise((resolve) => setTimeout(resolve));
  expect(shard.sent.map((frames) => /first|second|third/.exec(String(frames))?.[0])).toEqual([
    "first",
    "second",
    "third",
  ]);
  // One that waits for a socket that goes meanwhile waits for its return.
  const again = shard.pause();
  recovery.emit("/", ID, ["late"], { volatile: false });
  shard.session.ended = true;
  shard.end();
  again();
  const { journalEpoch } = recovery.journal.offsetAt(0);
  await new Promise((resolve) => setTimeout(resolve));
  const offset = `${journalEpoch}.${recovery.journal.offsetAt(before + 3).sequence.toString(36)}`;
  expect(recovery.take(take(offset))).toMatchObject({ direct: [{ text: '42["late"]' }] });
});

test("[SO42] a union reaches a socket once, also where its shard sleeps between two copies", () => {
  const ROOM = "ringcast:io:/,red";
  const shard = setUp();
  shard.begin();
  const hears = (...given: Parameters<typeof unionIn>) =>
    shard.recovery.delivery.encodeBatch(unionIn(...given)).frameFor(shard.session, { since: 0 }).length > 0;
  // It joins the room after this one.
  expect(
    shard.recovery.delivery.encodeBatch(unionIn(ROOM, 1, "early")).frameFor(shard.session, { since: 1 }),
  ).toEqual([]);
  shard.recovery.keeper.joined(ID, ROOM, { logEpoch: "e", offset: 1 });
  expect([hears(CHANNEL, 1, "u"), hears(ROOM, 2, "v")]).toEqual([true, true]);
  shard.sleep();
  expect([hears(ROOM, 3, "u"), hears(CHANNEL, 2, "v")]).toEqual([false, false]);
  expect([hears(CHANNEL, 3, "early"), hears(ROOM, 4, "new")]).toEqual([true, true]);
  expect(hears(CHANNEL, 4, "new")).toBe(false);
});
