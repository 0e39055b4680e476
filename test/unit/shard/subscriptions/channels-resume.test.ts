import { expect, test } from "vitest";
import { E } from "./epochs.ts";
import { delivery, pub, range, Shard, since, turn } from "./room.ts";

test("[DL7] a listener that resumes gets what it missed, with what was delivered while the log was asked", async () => {
  const shard = await Shard.listening(["ann"]);
  const bob = shard.listen("bob", { resume: since(1) });
  await turn();
  expect(shard.views).toMatchObject([{ after: 1 }]);
  await shard.deliver([pub(4)]);
  shard.views[0]?.answer({ logEpoch: E, top: 3, publications: [pub(2), pub(3)] });
  expect(await bob).toEqual({
    position: { logEpoch: E, offset: 4 },
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
  shard.views[0]?.answer({ logEpoch: E, top: 3, publications: range(1, 3) });
  await first;
  const later = await Promise.all(
    [0, 1, 2, 3].map((offset) => shard.listen(`eve ${offset}`, { resume: since(offset) })),
  );
  expect(later.map((begun) => begun?.recovery)).toEqual(
    [1, 2, 3, 4].map((from) => ({ kind: "resume", publications: range(from, 3) })),
  );
  expect(shard.views).toHaveLength(1);
});

test("[DL3] publications that are dropped from a log while it is looked at are not remembered from that look", async () => {
  const shard = await Shard.listening(["ann"]);
  const bob = shard.listen("bob", { resume: since(1) });
  await turn();
  expect(shard.views).toHaveLength(1);
  await shard.channels.deliver(delivery([], { since: 3, entries: [{ kind: "cleared", body: "" }] }));
  // Read before the log was cleared, and here after the word of that.
  shard.views[0]?.answer({ logEpoch: E, top: 3, publications: [pub(2), pub(3)] });
  await bob;
  const eve = shard.listen("eve", { resume: since(1) });
  await turn();
  expect(shard.views).toHaveLength(2);
  shard.views[1]?.answer({ logEpoch: E, top: 3, publications: [] });
  expect((await eve)?.recovery?.kind).toBe("restart");
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
  const kept = { logEpoch: E, offset: 8, durable: true };
  shard.channels.restore("room", { listener: "ann", wantsPrevious: true }, kept);
  await shard.deliver([pub(9)]);
  await shard.deliver([pub(10)]);
  expect(shard.batches.map(({ previous }) => previous)).toEqual([undefined, pub(9)]);
});
