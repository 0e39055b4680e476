/** Shards of the release before, which know no region that is down; prints what they make of one, as JSON. */
import type { Descriptor } from "../../src/ring/descriptor.ts";
import { register } from "./register.ts";

register();
const { encodeRoute, ROUTE_HEADER } = await import("../../src/contracts/route.ts");
const { CONTRACT } = await import("../../src/contracts/version.ts");
const { digest } = await import("../../src/ring/descriptor.ts");
const { install } = await import("./globals.ts");
const { Random } = await import("./random.ts");
const { TWO_RELEASES } = await import("./releases.ts");
const { Rollout } = await import("./rollout.ts");
const { ask } = await import("./toy-world.ts");
const { World } = await import("./world.ts");

const { before } = TWO_RELEASES;
const rollout = new Rollout(new Random(1), { before, present: before }, "none");
const world = new World(new Random(1), { trace: false, hooks: {}, rollout });
const restore = install(world);

const shard = (id: string, state: "active" | "down") => ({
  id,
  region: id.slice(0, 4),
  weight: 16,
  state,
});
const descriptor: Descriptor = {
  epoch: 3,
  seed: 0,
  shards: [shard("auto-1", "active"), shard("enam-1", "down")],
  defaultRegion: "auto",
};

/** The answer of a shard to a client of the region that is down. */
async function upgradeAt(name: string): Promise<number> {
  const route = {
    contract: CONTRACT - 1,
    key: "ann",
    clientRegion: "enam",
    ringEpoch: descriptor.epoch,
    digest: digest(descriptor),
    refused: [],
  };
  const request = new Request("https://shard/", { headers: { [ROUTE_HEADER]: encodeRoute(route) } });
  const { value, error } = await ask(world, name, "fetch", request);
  if (error !== undefined) throw new Error(error);
  return (value as Response).status;
}

const seen = [];
for (const name of ["SHARD auto/auto-1", "SHARD enam/enam-1"]) {
  await ask(world, name, "adopt", descriptor, undefined, CONTRACT - 1);
  const { value } = await ask(world, name, "status", CONTRACT - 1);
  seen.push({ ...(value as { ringEpoch: number; digest: string }), upgrade: await upgradeAt(name) });
}
restore();
console.log(
  JSON.stringify(
    seen.map(({ ringEpoch, digest: own, upgrade }) => ({
      ringEpoch,
      agrees: own === digest(descriptor),
      upgrade,
    })),
  ),
);
