import { describe, expect, test } from "vitest";
import type { Jurisdiction } from "../../../src/config/regions.ts";
import { checkPlace } from "../../../src/coordinator/place.ts";
import { SimStorage } from "../../sim/storage.ts";

/**
 * The coordinators of a deployment, one in each jurisdiction. workerd has no jurisdictions, so this stands for the
 * platform as its documentation describes it (docs/platform.md P46).
 */
class Deployment {
  readonly #storages = new Map<string, SimStorage>();
  /** The jurisdictions whose coordinator was asked. */
  readonly asked: string[] = [];
  setting: Jurisdiction | undefined;

  constructor(setting: Jurisdiction | undefined) {
    this.setting = setting;
  }

  /** A life of the coordinator in a jurisdiction begins; rejects where it refuses to. */
  async begin(where: Jurisdiction | undefined): Promise<void> {
    const storage = this.#storages.get(where ?? "none") ?? new SimStorage();
    this.#storages.set(where ?? "none", storage);
    const begun: Promise<unknown>[] = [];
    const ctx = {
      id: where === undefined ? {} : { jurisdiction: where },
      storage: storage.ofLife(),
      blockConcurrencyWhile: (run: () => Promise<unknown>) => {
        const running = run();
        begun.push(running);
        return running.catch(() => undefined);
      },
    };
    checkPlace(ctx as unknown as DurableObjectState, this.#env(), this.setting);
    // The constructor goes on to the first epoch while the others are asked.
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS epochs (epoch INTEGER PRIMARY KEY)");
    await Promise.all(begun);
  }

  #env(): Cloudflare.Env {
    const namespace = (where?: Jurisdiction): object => ({
      jurisdiction: namespace,
      getByName: () => ({
        descriptor: async () => {
          this.asked.push(where ?? "none");
          try {
            await this.begin(where);
          } catch (error) {
            // A call between objects carries the text of an error.
            throw new Error(String(error), { cause: error });
          }
        },
      }),
    });
    return { COORDINATOR: namespace() } as unknown as Cloudflare.Env;
  }
}

describe("[EL47] a coordinator is where the cluster is", () => {
  test("the first one asks the other jurisdictions once, and a later life asks nobody", async () => {
    const deployment = new Deployment("eu");
    await deployment.begin("eu");
    expect(deployment.asked).toEqual(["none", "fedramp"]);
    await deployment.begin("eu");
    expect(deployment.asked).toEqual(["none", "fedramp"]);
  });

  test("with a changed setting no life of it begins, and with the old one the cluster goes on", async () => {
    const deployment = new Deployment(undefined);
    await deployment.begin(undefined);
    deployment.setting = "eu";
    for (let life = 0; life < 2; life++)
      await expect(deployment.begin("eu")).rejects.toThrow(
        "the cluster of this deployment is in no jurisdiction, and the setting is eu",
      );
    deployment.setting = undefined;
    deployment.asked.length = 0;
    await deployment.begin(undefined);
    expect(deployment.asked).toEqual([]);
  });

  test("one that was refused has no cluster, though it has an epoch", async () => {
    const deployment = new Deployment(undefined);
    await deployment.begin(undefined);
    deployment.setting = "eu";
    await expect(deployment.begin("eu")).rejects.toThrow("the cluster of this deployment is in");
    deployment.setting = undefined;
    const refused = deployment.begin("eu");
    await expect(refused).rejects.toThrow("this object is in eu");
    await expect(refused).rejects.not.toThrow("has the cluster");
  });
});
