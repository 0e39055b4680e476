import fc from "fast-check";
import { describe as group, expect, test } from "vitest";
import type { Route } from "../../../src/contracts/route.ts";
import { buildRing } from "../../../src/ring/build.ts";
import { objectName, type Descriptor, type ShardSpec } from "../../../src/ring/descriptor.ts";
import type { Ring } from "../../../src/ring/ring.ts";
import { mustMove, OWNERS, planAdmission } from "../../../src/shard/moves/membership.ts";
import { arbitraryCluster, change, CLIENT_REGIONS, describe, shard } from "../ring/cluster.ts";

const KEY = "ann";
const FIVE = buildRing(
  describe(
    ["a", "b", "c", "d", "e"].map((id) => shard(id)),
    { epoch: 7 },
  ),
);

/** The n-th of the shards that the key meets, the owner being 0. */
function owner(n: number, ring: Ring = FIVE): ShardSpec {
  const found = ring.owners(KEY, "weur", ring.descriptor.shards.length)[n];
  if (found === undefined) throw new Error(`the key has no owner ${n}`);
  return found;
}

const withState = (ring: Ring, id: string, state: ShardSpec["state"]): Ring =>
  change(
    ring,
    ring.descriptor.shards.map((one) => (one.id === id ? { ...one, state } : one)),
  );

const without = (ring: Ring, id: string): Ring =>
  change(
    ring,
    ring.descriptor.shards.filter((one) => one.id !== id),
  );

const arbitraryKey = fc.string({ minLength: 1, maxLength: 20 });
const arbitraryClientRegion = fc.constantFrom(...CLIENT_REGIONS);

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

const route = (fields: Partial<Route> = {}): Route => ({
  key: KEY,
  clientRegion: "weur",
  ringEpoch: FIVE.descriptor.epoch,
  digest: FIVE.digest,
  refused: [],
  ...fields,
});

const admission = (at: ShardSpec, fields: Partial<Parameters<typeof planAdmission>[0]> = {}) =>
  planAdmission({
    ring: FIVE,
    shardName: objectName(at),
    route: route(),
    sessions: 0,
    sessionsMax: 10,
    ...fields,
  });

group("[MB7] a shard takes a connection only as the first owner that has not refused it", () => {
  test("the owner takes it, and any other names the descriptor by which it is not its own", () => {
    expect(admission(owner(0))).toEqual({ kind: "accept", rank: 0 });
    for (const n of [1, 2, 3, 4]) {
      expect(admission(owner(n))).toEqual({ kind: "misdirected", descriptor: FIVE.descriptor });
    }
  });

  test("each that refused hands it to the next, three in all", () => {
    const [first, second, third] = [owner(0).id, owner(1).id, owner(2).id];
    const after = (refused: string[]) => ({ route: route({ refused }) });
    expect(admission(owner(1), after([first]))).toEqual({ kind: "accept", rank: 1 });
    expect(admission(owner(2), after([first, second]))).toEqual({ kind: "accept", rank: 2 });
    expect(admission(owner(3), after([first, second, third])).kind).toBe("misdirected");
  });

  test("no owner is passed over: a later one waits until all before it have refused", () => {
    expect(admission(owner(2), { route: route({ refused: [owner(0).id] }) }).kind).toBe("misdirected");
    expect(admission(owner(0), { route: route({ refused: [owner(1).id] }) })).toEqual({
      kind: "accept",
      rank: 0,
    });
  });

  test("one that has refused does not take the same connection after all", () => {
    expect(admission(owner(0), { route: route({ refused: [owner(0).id] }) }).kind).toBe("misdirected");
  });

  test("refusals of shards that own nothing of it count for nothing", () => {
    const refused = [owner(3).id, owner(4).id, "unheard-of"];
    expect(admission(owner(0), { route: route({ refused }) })).toEqual({ kind: "accept", rank: 0 });
  });

  test("it takes as many sessions as it may have, then it is full", () => {
    expect(admission(owner(0), { sessions: 9 })).toEqual({ kind: "accept", rank: 0 });
    expect(admission(owner(0), { sessions: 10 })).toEqual({ kind: "full" });
    expect(admission(owner(0), { sessions: 11 })).toEqual({ kind: "full" });
  });

  test("a full shard that is not the owner says where to go, so that the wrong one never counts as refused", () => {
    expect(admission(owner(1), { sessions: 10 }).kind).toBe("misdirected");
  });

  test("one that knows less than the router says how much it knows, owner or not, full or not", () => {
    for (const at of [owner(0), owner(1)]) {
      const newer = { route: route({ ringEpoch: FIVE.descriptor.epoch + 1 }) };
      expect(admission(at, newer)).toEqual({ kind: "behind", ringEpoch: FIVE.descriptor.epoch });
      expect(admission(at, { ...newer, sessions: 10 }).kind).toBe("behind");
      expect(admission(at, { ring: undefined })).toEqual({ kind: "behind", ringEpoch: 0 });
    }
  });

  test("one that knows more than the router decides by what it knows", () => {
    const older = { route: route({ ringEpoch: FIVE.descriptor.epoch - 1, digest: "stale" }) };
    expect(admission(owner(0), older)).toEqual({ kind: "accept", rank: 0 });
    const drained = withState(FIVE, owner(0).id, "draining");
    expect(admission(owner(0), { ...older, ring: drained })).toEqual({
      kind: "misdirected",
      descriptor: drained.descriptor,
    });
    expect(admission(owner(0, drained), { ...older, ring: drained }).kind).toBe("accept");
  });

  test("the object of a shard that changed region takes nobody any more; the one in its new region does", () => {
    const [here, there] = [shard("a"), shard("a", { region: "enam" })];
    const ring = buildRing(describe([there], { epoch: 7 }));
    expect(admission(here, { ring })).toEqual({ kind: "misdirected", descriptor: ring.descriptor });
    expect(admission(there, { ring })).toEqual({ kind: "accept", rank: 0 });
  });

  test("a ring of fewer than three shards spills to as many as it has", () => {
    const two = buildRing(describe([shard("a"), shard("b")], { epoch: 7 }));
    const [first, second] = [owner(0, two), owner(1, two)];
    const spilled = { ring: two, route: route({ refused: [first.id] }) };
    expect(admission(second, spilled)).toEqual({ kind: "accept", rank: 1 });
    const all = { ring: two, route: route({ refused: [first.id, second.id] }) };
    for (const at of [first, second]) expect(admission(at, all).kind).toBe("misdirected");
  });

  test("in any cluster at most one shard takes it, and whoever takes it lets it stay", () => {
    const arbitraryRefusals = fc.array(fc.nat({ max: OWNERS - 1 }), { maxLength: OWNERS });
    fc.assert(
      fc.property(
        arbitraryCluster({ min: 1, max: 12 }),
        arbitraryKey,
        arbitraryClientRegion,
        arbitraryRefusals,
        (cluster: Descriptor, key, clientRegion, ranks) => {
          const ring = buildRing(cluster);
          const owners = ring.owners(key, clientRegion, OWNERS);
          const refused = ranks.map((rank) => owners[rank]?.id ?? "nobody");
          const expected = owners.find(({ id }) => !refused.includes(id));
          const takers = ring.descriptor.shards.flatMap((one) => {
            const plan = admission(one, {
              ring,
              route: route({ key, clientRegion, refused, ringEpoch: cluster.epoch }),
            });
            return plan.kind === "accept" ? [{ name: objectName(one), rank: plan.rank }] : [];
          });
          expect(takers.map(({ name }) => name)).toEqual(
            expected === undefined ? [] : [objectName(expected)],
          );
          // Else a shard would send away, in the next turn, whom it has just taken.
          for (const { name, rank } of takers) {
            expect(mustMove(ring, name, { key, clientRegion, rank })).toBe(false);
          }
        },
      ),
    );
  });
});
