import { env } from "cloudflare:workers";
import { runDurableObjectAlarm } from "cloudflare:test";
import { SignJWT } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CONTRACT } from "../../src/contracts/version.ts";
import { Shard } from "../../src/shard/shard.ts";
import { buildRing } from "../../src/ring/build.ts";
import { Migration } from "../../src/shard/moves/migration.ts";
import {
  adopted,
  api,
  changeRing,
  Client,
  coordinator,
  coordinatorObject,
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

/** Users that auto-1 owns, and that a new shard auto-5 would own. */
async function movingUsers(count: number): Promise<string[]> {
  const present = await coordinator().descriptor(CONTRACT);
  const added = { id: "auto-5", region: "auto", weight: 16, state: "active" } as const;
  const before = buildRing(present);
  const after = buildRing({ ...present, epoch: present.epoch + 1, shards: [...present.shards, added] });
  const users: string[] = [];
  for (let n = 0; users.length < count; n++) {
    const user = `user-${n}`;
    if (before.owner(user, "auto")?.id === "auto-1" && after.owner(user, "auto")?.id === "auto-5")
      users.push(user);
  }
  return users;
}

/** A client of a user, whose key is the user's name. */
async function connect(user: string): Promise<Client> {
  const token = await new SignJWT({ sub: user })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(env.TOKEN_HMAC_SECRET));
  const client = await Client.open(user);
  expect((await client.ask({ connect: { token } }))["connect"]).toBeDefined();
  return client;
}

const messages = (client: Client): unknown[] =>
  client.lines.flatMap(({ push }) => {
    const message = (push as { message?: { data: unknown } } | undefined)?.message;
    return message === undefined ? [] : [message.data];
  });

const send = async (users: readonly string[], data: unknown) =>
  (await api("send", { users, data, mode: "ring" })).result as {
    delivered: number;
    offline: string[];
    calls: number;
  };

/** Shows the router the newest ring, by a message to a user whose owner was auto-2. */
async function showRouter(): Promise<void> {
  const [key = ""] = await keysOf("auto-2", 1);
  await send([key], "to somebody else");
}

describe("[AP5] a message in ring mode while the ring changes", () => {
  test("reaches sessions whose shard has not heard of the change, and then costs one call again", async () => {
    const [user = ""] = await movingUsers(1);
    const client = await connect(user);
    const { adopt } = Shard.prototype;
    const deaf = vi.spyOn(Shard.prototype, "adopt").mockImplementation(function (
      this: InstanceType<typeof Shard>,
      ...told
    ) {
      if (nameOf(this) === "auto/auto-1") throw new Error("unreachable");
      return adopt.apply(this, told);
    });
    await changeRing({ kind: "add", ids: ["auto-5"] });
    await showRouter();
    const first = await send([user], "first");
    expect([first.delivered, first.offline]).toEqual([1, []]);
    // A second change while the first is under way.
    await changeRing({ kind: "add", ids: ["auto-6"] });
    await showRouter();
    const second = await send([user], "second");
    expect([second.delivered, second.offline]).toEqual([1, []]);
    await until(() => messages(client).length === 2);
    expect(messages(client)).toEqual(["first", "second"]);

    deaf.mockRestore();
    await runDurableObjectAlarm(coordinatorObject());
    await client.closed;
    await settled();
    // Each owner by an earlier ring says once more that it has no session left to move.
    await send([user], "last");
    expect((await send([user], "after")).calls).toBe(1);
    const epochsBefore = async () =>
      (await coordinator().descriptor(CONTRACT)).earlier?.map(({ epoch }) => epoch);
    expect(await epochsBefore()).toEqual([2, 1]);
    // All moves to epoch 3 are done, so only its own ring may have sessions elsewhere.
    await changeRing({ kind: "weight", id: "auto-2", weight: 8 });
    expect(await epochsBefore()).toEqual([3]);
  });

  test("reaches sessions whose time to move has not come", async () => {
    const users = await movingUsers(10);
    const clients = await Promise.all(users.map(connect));
    vi.spyOn(Migration.prototype, "start").mockImplementation(() => undefined);
    await changeRing({ kind: "add", ids: ["auto-5"] });
    await adopted();
    await showRouter();
    for (const round of [1, 2]) {
      const { delivered, offline } = await send(users, round);
      expect([delivered, offline]).toEqual([10, []]);
      await until(() => clients.every((client) => messages(client).length === round));
    }
  });
});
