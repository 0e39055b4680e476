import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig } from "../../../src/config/config.ts";
import type { Jurisdiction } from "../../../src/config/regions.ts";
import { planChange } from "../../../src/coordinator/plan-change.ts";
import { channelStub, coordinatorStub, homeStub, shardStub } from "../../../src/platform/calls.ts";
import { refuseOtherJurisdiction, refuseSecondCluster } from "../../../src/platform/jurisdiction.ts";

/**
 * The namespaces of a deployment, which write down each address. workerd has no jurisdictions, so this stands for the
 * platform as its documentation describes it (docs/platform.md P46).
 */
function deployment(jurisdiction: Jurisdiction | undefined): { env: Cloudflare.Env; addresses: string[] } {
  const addresses: string[] = [];
  const namespace = (binding: string): object => ({
    getByName: (name: string, { locationHint = "" } = {}) => {
      addresses.push([binding, name, locationHint].filter(Boolean).join(" "));
      return {};
    },
    jurisdiction: (where: string) => namespace(`${where}:${binding}`),
  });
  const bindings = Object.fromEntries(
    ["SHARD", "SHARD_LINE", "CHANNEL", "COORDINATOR"].map((binding) => [binding, namespace(binding)]),
  );
  const env = { ...bindings, RINGCAST: { shards: { jurisdiction } } };
  return { env: env as unknown as Cloudflare.Env, addresses };
}

describe("[EL46] the jurisdiction is part of every object's address", () => {
  const addressesIn = (jurisdiction: Jurisdiction | undefined): string[] => {
    const { env, addresses } = deployment(jurisdiction);
    shardStub(env, { name: "weur/weur-1", region: "weur" });
    shardStub(env, { name: "auto/auto-1", region: "auto", front: "line" });
    channelStub(env, "room");
    homeStub(env, { kind: "coordinator" });
    coordinatorStub(env);
    return addresses;
  };

  test("shards of every front, channels and the coordinator are in it, with their location hint", () => {
    expect(addressesIn("eu")).toEqual([
      "eu:SHARD weur/weur-1 weur",
      "eu:SHARD_LINE auto/auto-1",
      "eu:CHANNEL room",
      "eu:COORDINATOR coordinator",
      "eu:COORDINATOR coordinator",
    ]);
  });

  test("without it, the addresses are those of every release before", () => {
    expect(addressesIn(undefined)).toEqual([
      "SHARD weur/weur-1 weur",
      "SHARD_LINE auto/auto-1",
      "CHANNEL room",
      "COORDINATOR coordinator",
      "COORDINATOR coordinator",
    ]);
  });

  test("a default region or a new shard outside the jurisdiction is refused, and so is an unknown jurisdiction", () => {
    const parse = (shards: object) => () => parseConfig({ RINGCAST: { shards } });
    expect(parse({ jurisdiction: "eu", defaultRegion: "weur" })().cluster.shards.jurisdiction).toBe("eu");
    expect(parse({ jurisdiction: "eu", defaultRegion: "enam" })).toThrow(
      "RINGCAST.shards.defaultRegion: enam is outside the jurisdiction eu",
    );
    expect(parse({ jurisdiction: "mars" })).toThrow(/RINGCAST\.shards\.jurisdiction/);
    const context = {
      descriptor: { epoch: 1, seed: 0, shards: [], defaultRegion: "weur" },
      used: new Set<string>(),
      earlier: undefined,
      oldestEpoch: 1,
      shardsMax: 64,
      weight: 16,
      jurisdiction: "eu" as const,
    };
    expect(planChange({ kind: "add", region: "enam" }, context)).toEqual({
      kind: "refused",
      code: "conflict",
      message: "region enam is outside the jurisdiction eu",
    });
    expect(planChange({ kind: "add", region: "eeur" }, context).kind).toBe("changed");
  });
});

describe("[EL47] the jurisdiction of a cluster cannot change", () => {
  test("an object outside the configured jurisdiction refuses everything, and names both values", () => {
    refuseOtherJurisdiction({ jurisdiction: "eu" }, "eu");
    refuseOtherJurisdiction({}, undefined);
    expect(() => refuseOtherJurisdiction({}, "eu")).toThrow(
      "RINGCAST.shards.jurisdiction: this object is in no jurisdiction, and the setting is eu",
    );
    expect(() => refuseOtherJurisdiction({ jurisdiction: "eu" }, undefined)).toThrow(
      "RINGCAST.shards.jurisdiction: this object is in eu, and the setting is no jurisdiction",
    );
  });

  /** The coordinators of a deployment by jurisdiction, under a setting; `cluster` is where the cluster is. */
  const coordinators = (setting: Jurisdiction | undefined, cluster: Jurisdiction | "none" | "nowhere") => {
    const asked: string[] = [];
    const ask = async (where: Jurisdiction | undefined): Promise<unknown> => {
      asked.push(where ?? "none");
      const id = where === undefined ? {} : { jurisdiction: where };
      try {
        refuseOtherJurisdiction(id, setting, () => (where ?? "none") === cluster);
      } catch (error) {
        // A call between objects carries the text of an error.
        throw new Error(String(error), { cause: error });
      }
      return {};
    };
    return { asked, begin: () => refuseSecondCluster(setting, ask) };
  };

  test("a new coordinator begins no second cluster, and the error names both values", async () => {
    await expect(coordinators("eu", "none").begin()).rejects.toThrow(
      "the cluster of this deployment is in no jurisdiction, and the setting is eu",
    );
    await expect(coordinators(undefined, "fedramp").begin()).rejects.toThrow(
      "the cluster of this deployment is in fedramp, and the setting is no jurisdiction",
    );
    await expect(coordinators("eu", "fedramp").begin()).rejects.toThrow(ConfigError);
  });

  test("a first cluster begins after one question to each other jurisdiction", async () => {
    const { asked, begin } = coordinators("eu", "nowhere");
    await begin();
    expect(asked).toEqual(["none", "fedramp"]);
  });

  test("a jurisdiction that the account does not have stops no cluster", async () => {
    let calls = 0;
    await refuseSecondCluster("eu", () => {
      calls += 1;
      return Promise.reject(new Error("no access"));
    });
    expect(calls).toBe(6);
  });
});
