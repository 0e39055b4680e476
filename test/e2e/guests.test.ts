import { afterEach, describe, expect, test } from "vitest";
import { buildRing } from "../../src/ring/build.ts";
import { adopted, API_KEY, eventually, signToken, startCluster, type Cluster } from "../support/cluster.ts";
import { RawClient } from "../support/raw-client.ts";

let cluster: Cluster;
afterEach(() => cluster?.stop());

const ROOM = 3;
const start = () =>
  startCluster({
    cluster: {
      limits: { sessionsPerShard: ROOM },
      times: { healthReportMs: 1_000, pingIntervalMs: 1_000, pongTimeoutMs: 60_000 },
    },
  });

const connect = async (user: string): Promise<RawClient> =>
  RawClient.connect(cluster.endpoint(user), { token: await signToken({ sub: user }) });

const send = async (user: string): Promise<{ delivered: number; calls: number }> => {
  const response = await fetch(new URL("/api/send", cluster.url), {
    method: "POST",
    headers: { "x-api-key": API_KEY, "content-type": "application/json" },
    body: JSON.stringify({ user, data: 1, mode: "ring" }),
  });
  return ((await response.json()) as any).result;
};

const change = async (method: string, path: string, body: unknown): Promise<void> => {
  expect((await cluster.admin(method, path, body)).status).toBeLessThan(300);
  await adopted(cluster);
};

/** A user of whom the first owner fills up, and that a new shard auto-5 then owns; and users who fill that owner. */
async function plan(): Promise<{ readonly user: string; readonly fillers: readonly string[] }> {
  const shard = (id: string) => ({ id, region: "auto", weight: 16, state: "active" }) as const;
  const { ringEpoch: epoch, seed, defaultRegion } = (await cluster.admin("GET", "/cluster")).body;
  const ids = ["auto-1", "auto-2", "auto-3", "auto-4"];
  const ringOf = (shards: readonly string[]) =>
    buildRing({ epoch, seed, defaultRegion, shards: shards.map(shard) });
  const [before, after] = [ringOf(ids), ringOf([...ids, "auto-5"])];
  const names = Array.from({ length: 10_000 }, (_, n) => `user-${n}`);
  const ownersOf = (ring: typeof before, key: string) => ring.owners(key, "auto", 3).map(({ id }) => id);
  const user = names.find((name) => {
    const [host = ""] = ownersOf(before, name).slice(1);
    const [next, ...others] = ownersOf(after, name);
    return next === "auto-5" && others.includes(host);
  });
  expect(user).toBeDefined();
  const [full = ""] = ownersOf(before, user ?? "");
  const fillers = names.filter(
    (name) => name !== user && ownersOf(before, name)[0] === full && ownersOf(after, name)[0] === full,
  );
  return { user: user ?? "", fillers: fillers.slice(0, ROOM) };
}

describe("[EL31, AP5] a message in ring mode finds guests, and costs one call where there are none", () => {
  test("before and after changes of the ring, and one call when the last guest has gone", async () => {
    cluster = await start();
    const { user, fillers } = await plan();
    const filling = await Promise.all(fillers.map(connect));
    // The first message shows the router the ring.
    await send(user);
    expect((await send(user)).calls).toBe(1);
    const guest = await connect(user);
    expect(await send(user)).toMatchObject({ delivered: 1, calls: 3 });

    await change("POST", "/shards", { ids: ["auto-5"], weight: 16 });
    expect((await cluster.admin("GET", `/explain?key=${user}`)).body.owner).toBe("auto-5");
    expect((await send(user)).delivered).toBe(1);
    // A second change, when the moves of the first are over: no earlier ring leads to the guest any more.
    await eventually(async () => (await send(user)).calls <= 4);
    await change("PATCH", "/shards/auto-5", { weight: 17 });
    await eventually(async () => {
      const { delivered, calls } = await send(user);
      expect(delivered).toBe(1);
      return calls === 3;
    });

    guest.close();
    for (const one of filling) one.close();
    await eventually(async () => (await send(user)).calls === 1);
    expect((await send(fillers[0] ?? "")).delivered).toBe(0);
    await eventually(async () => (await send(fillers[0] ?? "")).calls === 1);
  });

  test("in the first epoch too, and a new spill counts again", async () => {
    cluster = await start();
    const crowd = await Promise.all(Array.from({ length: ROOM + 1 }, () => connect("ann")));
    await send("ann");
    expect(await send("ann")).toMatchObject({ delivered: ROOM + 1, calls: 3 });
    for (const one of crowd.slice(1)) one.close();
    await eventually(async () => (await send("ann")).delivered === 1);
    crowd[0]?.close();
    await eventually(async () => (await send("ann")).calls === 1);
    const again = await Promise.all(Array.from({ length: ROOM + 1 }, () => connect("ann")));
    expect(await send("ann")).toMatchObject({ delivered: again.length, calls: 3 });
  });
});
