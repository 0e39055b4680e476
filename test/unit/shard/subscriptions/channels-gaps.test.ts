import { expect, test } from "vitest";
import { F } from "./epochs.ts";
import { page, POSITION, pub, REGISTERED, Shard, turn } from "./room.ts";

test("[DL8] listeners begin anew once where another log has taken the place of theirs", async () => {
  const shard = await Shard.listening(["ann", "bob"]);
  await shard.deliver([pub(4)], { logEpoch: F });
  expect(shard.gaveUp).toEqual(["room: ann bob"]);
  expect(shard.heard("ann")).toEqual([]);
  // The shard has no listener now; a client that comes back finds the new log.
  expect(await shard.deliver([pub(5)], { logEpoch: F })).toMatchObject({ kind: "noListeners" });
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

test("[BD103] a shard that fetches what it has missed asks for no further page while too much waits to be sent", async () => {
  const shard = await Shard.listening(["ann"]);
  let open = (): void => undefined;
  shard.room = new Promise((resolve) => void (open = resolve));
  const gap = shard.deliver([pub(7)]);
  shard.pages[0]?.answer(page(6, [pub(4), pub(5)]));
  await turn();
  expect(shard.pages).toHaveLength(1);
  open();
  await turn();
  expect(shard.pages).toHaveLength(2);
  shard.pages[1]?.answer(page(6, [pub(6)]));
  await gap;
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
  shard.pages[0]?.answer({ ...page(6, []), logEpoch: F, refused: "unrecoverablePosition" });
  await gap;
  expect(shard.gaveUp).toEqual(["room: ann"]);
});
