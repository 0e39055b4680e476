import { expect, test } from "vitest";
import { E } from "./epochs.ts";
import type { Beginning } from "../../../../src/shard/subscriptions/resume.ts";
import { page, POSITION, pub, range, REGISTERED, Shard, since, turn } from "./room.ts";

const PINNED = "ringcast:broadcast";

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
  const position = { logEpoch: E, offset: 4 };
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

test("[SO69] a delivery that waits for a registration and cannot be applied is not answered as delivered", async () => {
  const shard = new Shard();
  // It slept with the object, whose positions were not stored.
  shard.channels.restore("room", { listener: "ann", wantsPrevious: false }, undefined);
  const joined = shard.listen("bob");
  const early = Promise.resolve(shard.deliver([pub(6)]));
  shard.registers[0]?.answer(REGISTERED);
  await joined;
  await turn();
  shard.pages[0]?.fail(new Error("unreachable"));
  await expect(early).rejects.toThrow("unreachable");
  // So the channel sends it again.
  const again = shard.deliver([pub(6)], { mayRepeat: true });
  shard.pages[1]?.answer(page(6, range(4, 6)));
  expect(await again).toMatchObject({ kind: "delivered" });
  expect(shard.heard("ann")).toEqual(["p4", "p5", "p6"]);
});

test("[SE1] a delivery that is repeated, or overlaps another, is heard once", async () => {
  const shard = await Shard.listening(["ann"]);
  await shard.deliver([pub(4), pub(5)]);
  await shard.deliver([pub(4), pub(5)]);
  await shard.deliver([pub(5), pub(6)]);
  expect(shard.heard("ann")).toEqual(["p4", "p5", "p6"]);
  expect(shard.channels.positions().get("room")).toEqual({ logEpoch: E, offset: 6, durable: true });
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
  shard.registers[1]?.answer({ number: 2, logEpoch: E, offset: 4, durable: true });
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
  const kept = { logEpoch: E, offset: 8, durable: true };
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

test("[DL3] a shard forgets what it has heard with its registration, as it hears of no removal any more", async () => {
  const shard = await Shard.listening(["ann"]);
  await shard.deliver([pub(4)]);
  shard.channels.leave("room", "ann");
  expect(shard.channels.hasListeners("room")).toBe(false);
  // The channel's history is removed while the shard does not listen.
  const bob = shard.listen("bob", { resume: since(3) });
  shard.registers[1]?.answer({ number: 2, logEpoch: E, offset: 4, durable: true });
  await turn();
  shard.views[0]?.answer({ logEpoch: E, top: 4, publications: [] });
  expect((await bob)?.recovery?.kind).toBe("restart");
});

test("[FO1] the pinned channel is followed without a listener, and after a sleep a listener begins where the shard is", async () => {
  const shard = new Shard({ pinned: PINNED });
  shard.channels.seed(PINNED, { logEpoch: E, offset: 3, durable: true });
  expect(await shard.deliver([pub(4)], { channel: PINNED })).toEqual({ kind: "delivered", sessions: 0 });
  const beginnings: Beginning[] = [];
  await shard.channels.listen(
    PINNED,
    { listener: "ann", resume: null, wantsPrevious: false },
    (beginning) => beginnings.push(beginning) > 0,
  );
  expect(beginnings).toEqual([{ position: { logEpoch: E, offset: 4 }, recovery: null }]);
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
  shard.registers[0]?.answer({ number: 2, logEpoch: E, offset: 5, durable: true });
  await listening;
  expect(beginnings).toEqual([{ position: { logEpoch: E, offset: 5 }, recovery: null }]);
  // The late one again, and then what comes after the registration.
  await shard.deliver([pub(4)], { channel: PINNED });
  await shard.deliver([pub(6)], { channel: PINNED });
  expect(shard.heard("ann")).toEqual(["p6"]);
});

test("[FO1] a seed is ignored where the shard knows better", async () => {
  const shard = await Shard.listening(["ann"]);
  shard.channels.seed("room", { logEpoch: E, offset: 99, durable: true });
  expect(shard.channels.positions().get("room")).toMatchObject({ offset: 3 });
});
