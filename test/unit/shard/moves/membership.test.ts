import fc from "fast-check";
import { describe as group, expect, test } from "vitest";
import { buildRing } from "../../../../src/ring/build.ts";
import { objectName } from "../../../../src/contracts/address.ts";
import { type Descriptor } from "../../../../src/ring/descriptor.ts";
import { Membership, mustMove } from "../../../../src/shard/moves/membership.ts";
import { SimStorage } from "../../../sim/storage.ts";
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

group("[MB1, MB6] a shard keeps the newest descriptor that it was shown, through every death", () => {
  const SELF = shard("a");
  const at = (epoch: number, fields: Partial<Descriptor> = {}) =>
    describe([SELF, shard("b")], { epoch, ...fields });

  /** The membership of shard `a`, and the next life of its object. */
  function membership() {
    const storage = new SimStorage();
    const wake = () => new Membership(storage as unknown as DurableObjectStorage, objectName(SELF));
    return { known: wake(), wake };
  }

  test("before the first descriptor it knows no ring", () => {
    const { known } = membership();
    expect([known.ring, known.ringEpoch, known.digest, known.self]).toEqual([undefined, 0, "", undefined]);
  });

  test("it adopts a newer descriptor, and no older one and no repetition", () => {
    const { known, wake } = membership();
    expect(known.adopt(at(3))).toBe(true);
    expect(known.adopt(at(3))).toBe(false);
    expect(known.adopt(at(2))).toBe(false);
    expect(known.adopt(at(4))).toBe(true);
    expect(known.ringEpoch).toBe(4);
    expect(known.digest).toBe(buildRing(at(4)).digest);
    expect([wake().ringEpoch, wake().digest]).toEqual([4, known.digest]);
  });

  test("the coordinator corrects it within an epoch, and never back to an older one", () => {
    const { known, wake } = membership();
    known.adopt(at(3, { seed: 1 }));
    expect(known.correct(at(2))).toBe(false);
    expect(known.correct(at(3, { seed: 1 }))).toBe(false);
    expect(known.correct(at(3))).toBe(true);
    expect(known.digest).toBe(buildRing(at(3)).digest);
    expect(wake().digest).toBe(known.digest);
  });

  test("it finds itself by region and id, and not once it was removed", () => {
    const { known } = membership();
    known.adopt(at(1));
    expect(known.self).toEqual(SELF);
    known.adopt(describe([shard("a", { region: "enam" }), shard("b")], { epoch: 2 }));
    expect(known.self).toBeUndefined();
  });
});
