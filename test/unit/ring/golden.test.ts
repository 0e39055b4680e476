import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { buildRing } from "../../../src/ring/build.ts";
import type { Placement } from "../../../src/ring/placement.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import { change, describe, shard } from "./cluster.ts";

// The ring of the system that Ringcast's idea comes from: MD5, ten points a node, `<node>-<index>`.
const md5 = (text: string): number => createHash("md5").update(text).digest().readUInt32BE(0);
const MD5_TEN_POINTS: Placement = {
  hash: md5,
  points: ({ id }) => Array.from({ length: 10 }, (_, index) => md5(`${id}-${index}`)),
};
const USERS = ["1", "2", "3", "4", "5", "6"];

const ringOf = (...ids: string[]): Ring => buildRing(describe(ids.map((id) => shard(id))), MD5_TEN_POINTS);
const ownersOf = (ring: Ring, keys: string[]) => keys.map((key) => ring.owner(key, "weur")?.id);

test("[RG6] the placement is that of the fixture", () => {
  expect(md5("1")).toBe(3_301_589_560);
  expect(md5("100")).toBe(4_170_781_597);
  expect(md5("172.19.0.3-0")).toBe(3_909_881_115);
  expect(md5("192.168.0.0-0")).toBe(3_507_674_982);
});

test("[RG6] one node has all six users, in the slots of their hashes", () => {
  const ring = ringOf("172.19.0.3");
  expect(ownersOf(ring, USERS)).toEqual(USERS.map(() => "172.19.0.3"));
  expect(USERS.map((user) => ring.slot(user))).toEqual([50_378, 51_230, 60_619, 43_135, 58_586, 5_753]);
});

test("[RG6] the second node takes exactly the users 1, 2, 5 and 6", () => {
  const [three, four] = ["172.19.0.3", "172.19.0.4"];
  expect(ownersOf(ringOf(three, four), USERS)).toEqual([four, four, three, three, four, four]);
});

test("[RG6] the ring of two nodes starts with the fixture's points, in their slots", () => {
  const ring = ringOf("172.19.0.3", "172.19.0.4");
  // Slot 2970 begins at or before the first point, 194698017; 2971 after it; and so on.
  const owners = [0, 2970, 2971, 3485, 3486, 4579].map((slot) =>
    ring.ownerOfSlot(slot, "weur")?.id.slice(-2),
  );
  expect(owners).toEqual([".4", ".4", ".3", ".3", ".4", ".4"]);
  // User 6 comes after the third point, 300141864, and goes to the sixth.
  expect(ring.explain("6", "weur")).toEqual({
    key: "6",
    hash: 377_030_940,
    slot: 5753,
    ringEpoch: 1,
    clientRegion: "weur",
    region: "weur",
    owner: "172.19.0.4",
    nextOwners: ["172.19.0.3"],
    point: { position: 461_412_237, shard: "172.19.0.4", index: 2 },
  });
});

test("[RG6] the third node takes user 100 from the first", () => {
  const before = ringOf("192.168.0.0", "192.168.0.1");
  expect(before.owner("100", "weur")?.id).toBe("192.168.0.0");
  expect(ringOf("192.168.0.0", "192.168.0.1", "192.168.0.2").owner("100", "weur")?.id).toBe("192.168.0.2");
});

test("[RG6] the default placement is another one: the fixture does not pass by chance", () => {
  const other = change(ringOf("172.19.0.3"), [shard("172.19.0.3"), shard("172.19.0.4")]);
  expect(USERS.map((user) => other.slot(user))).not.toEqual([50_378, 51_230, 60_619, 43_135, 58_586, 5_753]);
});
