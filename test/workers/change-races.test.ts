import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { shardAddress } from "../../src/contracts/address.ts";
import { CONTRACT } from "../../src/contracts/version.ts";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { Shard } from "../../src/shard/shard.ts";
import {
  adopted,
  api,
  changeRing,
  Client,
  coordinator,
  coordinatorObject,
  Gate,
  keysOf,
  nameOf,
  settled,
  startOver,
  until,
} from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

/** Holds each call of a shard's method until the gate opens. */
function hold(method: "predict" | "adopt") {
  const gate = new Gate();
  const original = Shard.prototype[method] as (...args: unknown[]) => Promise<any>;
  const calls = vi.spyOn(Shard.prototype, method).mockImplementation(async function (
    this: InstanceType<typeof Shard>,
    ...args: unknown[]
  ) {
    await gate.pass();
    return original.apply(this, args);
  } as never);
  return { gate, hasCalls: () => calls.mock.calls.length > 0 };
}

const shardNow = async (id: string) =>
  (await coordinator().descriptor(CONTRACT)).shards.find((shard) => shard.id === id);

test("[MB3] a shard that an operator takes back while it says that it is empty stays", async () => {
  const deaf = vi.spyOn(Coordinator.prototype, "drained").mockResolvedValue(undefined);
  await changeRing({ kind: "drain", id: "auto-1" });
  await adopted();
  deaf.mockRestore();
  const { gate, hasCalls } = hold("predict");
  const taken = changeRing({ kind: "add", ids: ["auto-1"] });
  await until(hasCalls);
  const heard = vi.spyOn(Coordinator.prototype, "drained");
  const said = coordinator().drained("auto-1", CONTRACT);
  await until(() => heard.mock.calls.length > 0);
  gate.open();
  expect((await taken).kind).toBe("done");
  await said;
  expect(await shardNow("auto-1")).toMatchObject({ state: "active" });
});

/** A shard that the policy has added, and that waits for its next step. */
async function joiningShard(since: number): Promise<void> {
  await coordinator().chooseScaleMode({ mode: "off", by: "test" }, CONTRACT);
  await changeRing({ kind: "add", ids: ["auto-5"], weight: 4 });
  await adopted();
  await runInDurableObject(coordinatorObject(), (_, { storage }) => {
    const state = storage.kv.get<object>("scale");
    storage.kv.put("scale", { ...state, own: { "auto-5": { fullWeight: 16, since } } });
  });
  await evictDurableObject(coordinatorObject());
}

const ownerOf = async (id: string) =>
  (await coordinator().scale(CONTRACT)).shards.find((shard) => shard.id === id)?.owner;

describe("[EL2] a shard that an operator has touched is no more the policy's", () => {
  test("from the epoch on, also where the coordinator dies while it tells the shards", async () => {
    await joiningShard(1);
    expect(await ownerOf("auto-5")).toBe("policy");
    const { gate, hasCalls } = hold("adopt");
    const changed = changeRing({ kind: "weight", id: "auto-5", weight: 2 }).catch(() => undefined);
    await until(hasCalls);
    expect(await shardNow("auto-5")).toMatchObject({ weight: 2 });
    await coordinator()
      .crash()
      .catch(() => undefined);
    gate.open();
    await changed;
    expect(await shardNow("auto-5")).toMatchObject({ weight: 2 });
    expect(await ownerOf("auto-5")).toBe("operator");
  });

  test.for(["predict", "adopt"] as const)(
    "what the policy has decided before the operator's change is not done after it (%s)",
    async (method) => {
      await joiningShard(1);
      await coordinator().chooseScaleMode({ mode: "suggest", by: "test" }, CONTRACT);
      const { shards } = await coordinator().cluster(CONTRACT);
      const status = shards.find(({ id }) => id === "auto-5")?.status;
      if (!status) throw new Error("auto-5 has no status");
      const parts = { sockets: 0, upgrades: 0, work: 0, queued: 0 };
      await coordinator().report(
        {
          shard: shardAddress("centrifuge", { id: "auto-5", region: "auto" }),
          status: { ...status, load: { parts, refused: 0, clients: {} } },
          moves: [],
        },
        CONTRACT,
      );
      expect((await coordinator().scale(CONTRACT)).last).toMatchObject({ kind: "step" });
      const { gate, hasCalls } = hold(method);
      const changed = changeRing({ kind: "weight", id: "auto-5", weight: 2 });
      await until(hasCalls);
      const heard = vi.spyOn(Coordinator.prototype, "chooseScaleMode");
      const looked = coordinator().chooseScaleMode({ mode: "on", by: "test" }, CONTRACT);
      await until(() => heard.mock.calls.length > 0);
      gate.open();
      expect((await changed).kind).toBe("done");
      await looked;
      expect(await shardNow("auto-5")).toMatchObject({ weight: 2 });
      expect(await ownerOf("auto-5")).toBe("operator");
    },
  );
});

test("[AP5] a shard whose id comes back in another region is asked until its own sessions have moved", async () => {
  const [key = ""] = await keysOf("auto-1", 1);
  const token = await new SignJWT({ sub: key })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(env.TOKEN_HMAC_SECRET));
  const client = await Client.open(key);
  await client.ask({ connect: { token } });
  await changeRing({ kind: "add", ids: ["auto-9"] });
  await changeRing({ kind: "remove", id: "auto-9" });
  await settled();
  // The old object is slow: it moves nothing, and reports nothing.
  const original = Shard.prototype.alarm;
  vi.spyOn(Shard.prototype, "alarm").mockImplementation(async function (this: InstanceType<typeof Shard>) {
    if (nameOf(this) !== "auto/auto-1") await original.call(this);
  });
  await changeRing({ kind: "remove", id: "auto-1" });
  await changeRing({ kind: "add", ids: ["auto-1"], region: "weur" });
  const { epoch } = await coordinator().descriptor(CONTRACT);
  const told = () =>
    runInDurableObject(
      coordinatorObject(),
      (_, { storage }) => storage.sql.exec("SELECT shard FROM moves WHERE epoch = ?", epoch).toArray().length,
    );
  await until(async () => (await told()) === 4);
  await changeRing({ kind: "weight", id: "auto-2", weight: 8 });
  // Shows the router the newest ring.
  for (const id of ["auto-2", "auto-3", "auto-4"])
    await api("send", { users: await keysOf(id, 1), data: 0, mode: "ring" });
  expect((await api("send", { users: [key], data: 1, mode: "ring" })).result).toMatchObject({ delivered: 1 });
  const { former } = await coordinator().descriptor(CONTRACT);
  expect(former).toContainEqual({ id: "auto-1", region: "auto" });
});
