import { expect, test } from "vitest";
import { buildRing } from "../../../src/ring/build.ts";
import type { Epoch } from "../../../src/console/model/feed.ts";
import { placeText, storyOf, type SessionSummary } from "../../../src/console/model/session-story.ts";

const shard = (n: number) => ({ id: `auto-${n}`, region: "auto", weight: 16, state: "active" as const });
const epoch = (ringEpoch: number, count: number): Epoch => ({
  ringEpoch,
  at: ringEpoch * 1_000_000,
  cause: `now ${count} shards`,
  by: "ann (console)",
  shards: Array.from({ length: count }, (_, n) => shard(n + 1)),
  predicted: null,
  movedFrom: {},
});
/** Newest first: the ring grows to nine shards and shrinks to two. */
const EPOCHS = [epoch(3, 2), epoch(2, 9), epoch(1, 2)];
const CLUSTER = { epochs: EPOCHS, seed: 0, defaultRegion: "auto", region: "auto" };

const ringOf = ({ ringEpoch, shards }: Epoch) =>
  buildRing({ epoch: ringEpoch, seed: 0, defaultRegion: "auto", shards });
const ownersOf = (key: string) => EPOCHS.map((one) => ringOf(one).owners(key, "auto")[0]?.id ?? "");
const session = (key: string, values: Partial<SessionSummary>): SessionSummary => ({
  client: "c",
  user: "u",
  key,
  shard: "auto-1",
  connectedAt: 3_000_900,
  channels: [],
  ...values,
});

/** A key that goes away with the second epoch and comes back with the third. */
const moved =
  Array.from({ length: 100 }, (_, n) => `key-${n}`).find((key) => {
    const [last, middle, first] = ownersOf(key);
    return last === first && middle !== first;
  }) ?? "";

test("[OP24] a story has each epoch that gave the key another owner, and the one that brought the session here", () => {
  const [home = "", away = ""] = ownersOf(moved);
  const story = storyOf(session(moved, { shard: home }), CLUSTER);
  expect(story).toMatchObject({
    owner: home,
    rank: 0,
    handovers: [
      { ringEpoch: 3, from: away, to: home, by: "ann (console)", cause: "now 2 shards", broughtHere: true },
      { ringEpoch: 2, from: home, to: away, broughtHere: false },
    ],
  });
  const old = storyOf(session(moved, { shard: home, connectedAt: 10 }), CLUSTER);
  expect(old?.handovers.map(({ broughtHere }) => broughtHere)).toEqual([false, false]);
});

test("[OP24] the sentence says whether the session is at its owner, a guest, or on its way", () => {
  const [home = ""] = ownersOf(moved);
  const other = home === "auto-1" ? "auto-2" : "auto-1";
  const text = (where: string): string => {
    const one = session(moved, { shard: where });
    const story = storyOf(one, CLUSTER);
    return story === undefined ? "" : placeText(one, story);
  };
  expect(text(home)).toMatch(new RegExp(`^${home} owns slot [\\d,]+ of its key\\.$`, "u"));
  expect(text(other)).toContain(`${other} is owner 2, and took it as a guest`);
  expect(text("auto-9")).toContain("about to move");
  expect(storyOf(session(moved, {}), { ...CLUSTER, epochs: [] })).toBeUndefined();
});

test("[OP24] an epoch that the page does not know is no handover, and the rings of old epochs are forgotten", () => {
  const rings = new Map();
  storyOf(session(moved, {}), CLUSTER, rings);
  expect(rings.size).toBe(3);
  const gap = storyOf(session(moved, {}), { ...CLUSTER, epochs: [epoch(5, 9), epoch(3, 2)] }, rings);
  expect(gap?.handovers).toEqual([]);
  expect([...rings.keys()].toSorted()).toEqual([3, 5]);
});
