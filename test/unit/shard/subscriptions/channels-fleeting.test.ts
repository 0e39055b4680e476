import { expect, test } from "vitest";
import { E, F, G } from "./epochs.ts";
import { pub, Shard, since } from "./room.ts";

test("[LG5] a channel that keeps nothing begins anew with each of its lives", async () => {
  const shard = await Shard.listening(["ann"], { number: 1, logEpoch: E, offset: 3, durable: false });
  await shard.deliver([pub(4)], { durable: false });
  await shard.deliver([pub(1), pub(2)], { durable: false, logEpoch: F });
  await shard.deliver([pub(2), pub(3)], { durable: false, logEpoch: F });
  // An earlier life has sent it, and it comes late.
  const late = shard.deliver([pub(4)], { durable: false, mayRepeat: true });
  const next = shard.deliver([pub(4)], { durable: false, logEpoch: F });
  shard.views[0]?.answer({ logEpoch: F, top: 4, publications: [] });
  await Promise.all([late, next]);
  expect(shard.heard("ann")).toEqual(["p4", "p1", "p2", "p3", "p4"]);
  expect(shard.gaveUp).toEqual([]);
});

test("[BD100, LG5] a late call of a channel's earlier life is known as such after a sleep of the shard", async () => {
  const before = await Shard.listening(["ann"], { number: 1, logEpoch: E, offset: 3, durable: false });
  await before.deliver([pub(4)], { durable: false });
  await before.deliver([pub(1)], { durable: false, logEpoch: F });
  const shard = new Shard();
  const kept = before.channels.positions().get("room");
  shard.channels.restore("room", { listener: "ann", wantsPrevious: false }, kept);
  const late = shard.deliver([pub(4)], { durable: false, mayRepeat: true });
  shard.views[0]?.answer({ logEpoch: F, top: 1, publications: [] });
  await late;
  await shard.deliver([pub(2)], { durable: false, logEpoch: F });
  expect(shard.heard("ann")).toEqual(["p2"]);
});

test("[BD100, LG5] a late call of a life before the last is known by its log epoch", async () => {
  const shard = await Shard.listening(["ann"], { number: 1, logEpoch: E, offset: 0, durable: false });
  await shard.deliver([pub(1)], { durable: false });
  await shard.deliver([pub(2)], { durable: false, logEpoch: F });
  await shard.deliver([pub(3)], { durable: false, logEpoch: G });
  const late = shard.deliver([pub(1)], { durable: false, mayRepeat: true });
  shard.views[0]?.answer({ logEpoch: G, top: 3, publications: [] });
  await late;
  expect(shard.heard("ann")).toEqual(["p1", "p2", "p3"]);
});

test("[BD100, LG5] a new life whose object has a slower clock is asked once, and then heard", async () => {
  const shard = await Shard.listening(["ann"], { number: 1, logEpoch: F, offset: 0, durable: false });
  const first = shard.deliver([pub(1)], { durable: false, logEpoch: E });
  shard.views[0]?.answer({ logEpoch: E, top: 1, publications: [] });
  await first;
  await shard.deliver([pub(2)], { durable: false, logEpoch: E });
  expect(shard.heard("ann")).toEqual(["p1", "p2"]);
  expect(shard.views).toHaveLength(1);
});

test("[BD100, LG5] a late call that a shard takes for a new life does not silence the present one", async () => {
  const shard = await Shard.listening(["ann"], { number: 1, logEpoch: E, offset: 0, durable: false });
  await shard.deliver([pub(1)], { durable: false, logEpoch: E });
  // The shard has never heard of that life, whose object had a clock ahead of the others.
  await shard.deliver([pub(7)], { durable: false, logEpoch: F });
  const again = shard.deliver([pub(1)], { durable: false, logEpoch: E, mayRepeat: true });
  const next = shard.deliver([pub(2)], { durable: false, logEpoch: E });
  shard.views[0]?.answer({ logEpoch: E, top: 2, publications: [] });
  await Promise.all([again, next]);
  expect(shard.heard("ann")).toEqual(["p1", "p7", "p2"]);
  expect(shard.views).toHaveLength(1);
});

test("[BD100] a delivery about which the log could not be asked is refused, and is applied when it comes again", async () => {
  const shard = await Shard.listening(["ann"], { number: 1, logEpoch: E, offset: 0, durable: false });
  await shard.deliver([pub(7)], { durable: false, logEpoch: F });
  const refused = shard.deliver([pub(1)], { durable: false, logEpoch: E });
  shard.views[0]?.fail(new Error("unreachable"));
  await expect(refused).rejects.toThrow("unreachable");
  const again = shard.deliver([pub(1)], { durable: false, logEpoch: E, mayRepeat: true });
  shard.views[1]?.answer({ logEpoch: E, top: 1, publications: [] });
  await again;
  expect(shard.heard("ann")).toEqual(["p7", "p1"]);
});

test("[LG5] a listener of a channel that keeps nothing begins without a position, also where it would resume", async () => {
  const shard = new Shard();
  const joins = [shard.listen("ann"), shard.listen("bob", { resume: since(1) })];
  shard.registers[0]?.answer({ number: 1, logEpoch: E, offset: 3, durable: false });
  const begun = { position: null, recovery: null };
  expect(await Promise.all(joins)).toEqual([begun, begun]);
  expect(shard.views).toEqual([]);
});

test("[LG5] a batch of a channel that keeps nothing has no publication before it", async () => {
  const shard = new Shard();
  const joined = shard.listen("ann", { wantsPrevious: true });
  shard.registers[0]?.answer({ number: 1, logEpoch: E, offset: 3, durable: false });
  await joined;
  await shard.deliver([pub(4)], { durable: false });
  await shard.deliver([pub(5)], { durable: false });
  expect(shard.batches.map(({ durable, previous }) => ({ durable, previous }))).toEqual([
    { durable: false, previous: undefined },
    { durable: false, previous: undefined },
  ]);
});
