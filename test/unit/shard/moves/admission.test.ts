import fc from "fast-check";
import { describe as group, expect, test } from "vitest";
import type { Route } from "../../../../src/contracts/route.ts";
import { CONTRACT } from "../../../../src/contracts/version.ts";
import { buildRing } from "../../../../src/ring/build.ts";
import { OWNERS } from "../../../../src/ring/ring.ts";
import { objectName } from "../../../../src/contracts/address.ts";
import { type Descriptor, type ShardSpec } from "../../../../src/ring/descriptor.ts";
import { planAdmission } from "../../../../src/shard/moves/admission.ts";
import { mustMove } from "../../../../src/shard/moves/membership.ts";
import { arbitraryCluster, describe, shard } from "../../ring/cluster.ts";
import { arbitraryClientRegion, arbitraryKey, FIVE, KEY, owner, withState } from "./five-shards.ts";

const route = (fields: Partial<Route> = {}): Route => ({
  contract: CONTRACT,
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
    hasRoom: true,
    isAtBound: false,
    ...fields,
  });

group("[EL42] the default region takes a guest of a region that does not answer", () => {
  const regions = describe([
    shard("weur-1", { region: "weur" }),
    shard("weur-2", { region: "weur" }),
    shard("enam-1", { region: "enam" }),
  ]);
  const ring = buildRing({ ...regions, defaultRegion: "weur" });
  const guest = (fields: Partial<Route> = {}) =>
    route({
      clientRegion: "enam",
      unreachable: "enam",
      ringEpoch: ring.descriptor.epoch,
      digest: ring.digest,
      ...fields,
    });
  const [home, next] = ring.owners(KEY, "weur");
  const [own] = ring.owners(KEY, "enam");
  if (home === undefined || next === undefined || own === undefined) throw new Error("three shards");

  test("the owner by the default region's ring takes it, and the next one where that is full", () => {
    expect(admission(home, { ring, route: guest() })).toEqual({ kind: "accept", rank: 0 });
    expect(admission(next, { ring, route: guest() }).kind).toBe("misdirected");
    expect(admission(next, { ring, route: guest({ refused: [home.id] }) })).toEqual({
      kind: "accept",
      rank: 1,
    });
    const { unreachable: _unreachable, ...local } = guest();
    expect(admission(home, { ring, route: local }).kind).toBe("misdirected");
  });

  test("a router that names another region, or the default region, changes nothing", () => {
    expect(admission(own, { ring, route: guest({ unreachable: "apac" }) })).toEqual({
      kind: "accept",
      rank: 0,
    });
    const local = guest({ clientRegion: "weur", unreachable: "weur" });
    expect(admission(home, { ring, route: local })).toEqual({ kind: "accept", rank: 0 });
  });

  test("a router that has not heard of a newer epoch is shown it first", () => {
    const stale = guest({ ringEpoch: ring.descriptor.epoch - 1 });
    expect(admission(home, { ring, route: stale })).toEqual({
      kind: "misdirected",
      descriptor: ring.descriptor,
    });
  });

  test("a guest stays under its own epoch, and goes by the ring of the next one", () => {
    const { epoch } = ring.descriptor;
    const session = {
      key: KEY,
      clientRegion: "enam",
      rank: 0,
      guestOf: { region: "enam", ringEpoch: epoch },
    };
    expect(mustMove(ring, objectName(home), session)).toBe(false);
    const over = { ...session, guestOf: { ...session.guestOf, isOver: true as const } };
    expect(mustMove(ring, objectName(home), over)).toBe(true);
    const nextRing = buildRing({ ...ring.descriptor, epoch: epoch + 1 });
    expect(mustMove(nextRing, objectName(home), session)).toBe(true);
    const down = ring.descriptor.shards.map((one) =>
      one.region === "enam" ? { ...one, state: "down" as const } : one,
    );
    const outage = buildRing({ ...ring.descriptor, epoch: epoch + 1, shards: down });
    expect(mustMove(outage, objectName(home), session)).toBe(false);
  });
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

  test("without room it is full", () => {
    expect(admission(owner(0))).toEqual({ kind: "accept", rank: 0 });
    expect(admission(owner(0), { hasRoom: false })).toEqual({ kind: "full" });
  });

  test("a full shard that is not the owner says where to go, so that the wrong one never counts as refused", () => {
    expect(admission(owner(1), { hasRoom: false }).kind).toBe("misdirected");
  });

  test("one that knows less than the router says how much it knows, owner or not, full or not", () => {
    for (const at of [owner(0), owner(1)]) {
      const newer = { route: route({ ringEpoch: FIVE.descriptor.epoch + 1 }) };
      expect(admission(at, newer)).toEqual({ kind: "behind", ringEpoch: FIVE.descriptor.epoch });
      expect(admission(at, { ...newer, hasRoom: false }).kind).toBe("behind");
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

  test("the object of a shard that changed region takes no session any more; the one in its new region does", () => {
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

  test("[EL30] at its bound the owner hands on, unless it is full, the route is unbounded or the router knows no bounds", () => {
    const isAtBound = true;
    expect(admission(owner(0), { isAtBound })).toEqual({ kind: "full", bound: true });
    expect(admission(owner(0), { isAtBound, hasRoom: false })).toEqual({ kind: "full" });
    for (const given of [{ unbounded: true as const }, { contract: 2 }])
      expect(admission(owner(0), { isAtBound, route: route(given) })).toEqual({ kind: "accept", rank: 0 });
    expect(admission(owner(1), { isAtBound }).kind).toBe("misdirected");
  });

  test("in any cluster at most one shard takes it, and the shard that takes it lets it stay", () => {
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
          // Else a shard would send a session away in the turn after it was taken.
          for (const { name, rank } of takers) {
            expect(mustMove(ring, name, { key, clientRegion, rank })).toBe(false);
          }
        },
      ),
    );
  });
});
