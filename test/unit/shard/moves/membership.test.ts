import fc from "fast-check";
import { describe as group, expect, test } from "vitest";
import { buildRing } from "../../../../src/ring/build.ts";
import { objectName } from "../../../../src/contracts/address.ts";
import { mustMove } from "../../../../src/shard/moves/membership.ts";
import { arbitraryCluster, change, describe, shard } from "../../ring/cluster.ts";
import { arbitraryClientRegion, arbitraryKey, FIVE, KEY, owner, withState, without } from "./five-shards.ts";

group("[MV1] a session moves exactly if its shard is not its owner any more", () => {
  const session = (rank: number) => ({ key: KEY, clientRegion: "weur", rank });

  test("one that its first owner took stays there, and nowhere else", () => {
    expect(mustMove(FIVE, objectName(owner(0)), session(0))).toBe(false);
    for (const n of [1, 2, 3, 4]) expect(mustMove(FIVE, objectName(owner(n)), session(0))).toBe(true);
  });

  test.each([1, 2])("one that had spilled to owner %d stays with any of the first three", (rank) => {
    for (const n of [0, 1, 2]) expect(mustMove(FIVE, objectName(owner(n)), session(rank))).toBe(false);
    for (const n of [3, 4]) expect(mustMove(FIVE, objectName(owner(n)), session(rank))).toBe(true);
  });

  test.each([0, 1, 2])("it leaves owner %d when that drains or is removed, spilled or not", (rank) => {
    const { id } = owner(rank);
    const name = objectName(owner(rank));
    expect(mustMove(withState(FIVE, id, "draining"), name, session(rank))).toBe(true);
    expect(mustMove(without(FIVE, id), name, session(rank))).toBe(true);
  });

  test("one that had spilled stays when an owner before or after its own leaves", () => {
    const name = objectName(owner(1));
    for (const n of [0, 2]) expect(mustMove(without(FIVE, owner(n).id), name, session(1))).toBe(false);
  });

  test("a shard of the same id in another region is another shard, so all move to it", () => {
    const [here, there] = [shard("a"), shard("a", { region: "enam" })];
    const moved = change(buildRing(describe([here])), [there]);
    expect(mustMove(moved, objectName(here), session(0))).toBe(true);
    expect(mustMove(moved, objectName(there), session(0))).toBe(false);
  });

  test("when its region gets its own shards, a client of that region moves to them, and no other does", () => {
    const name = objectName(owner(0));
    const grown = change(FIVE, [...FIVE.descriptor.shards, shard("f", { region: "enam" })]);
    const american = { key: KEY, clientRegion: "enam", rank: 0 };
    expect(mustMove(FIVE, name, american)).toBe(false);
    expect(mustMove(grown, name, american)).toBe(true);
    expect(mustMove(grown, name, session(0))).toBe(false);
  });

  test("in any cluster, after any change, it moves if and only if its owner changed", () => {
    fc.assert(
      fc.property(
        arbitraryCluster({ min: 2, max: 12 }),
        fc.nat(),
        fc.constantFrom("remove", "drain", "add"),
        arbitraryKey,
        arbitraryClientRegion,
        (cluster, at, kind, key, clientRegion) => {
          const before = buildRing(cluster);
          const chosen = before.descriptor.shards[at % before.descriptor.shards.length]?.id ?? "";
          const after =
            kind === "remove"
              ? without(before, chosen)
              : kind === "drain"
                ? withState(before, chosen, "draining")
                : change(before, [...before.descriptor.shards, shard("added")]);
          const place = before.owner(key, clientRegion);
          fc.pre(place !== undefined);
          const here = objectName(place);
          const owner = after.owner(key, clientRegion);
          const stays = owner !== undefined && objectName(owner) === here;
          expect(mustMove(after, here, { key, clientRegion, rank: 0 })).toBe(!stays);
        },
      ),
    );
  });
});
