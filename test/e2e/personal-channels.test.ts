import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_KEY, signToken, startCluster, type Cluster } from "../support/cluster.ts";
import { RawClient } from "../support/raw-client.ts";

/** The configuration that is shipped, with a channel of its own for each user, as README advises. */
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({
    cluster: { insecure: false, anonymous: false, development: false, personalChannel: { enabled: true } },
  });
});
afterAll(() => cluster?.stop());

async function enter(user: string, claims: object = {}) {
  const client = await RawClient.open(cluster.endpoint());
  const { connect } = await client.ask({
    id: 1,
    connect: { token: await signToken({ sub: user, ...claims }) },
  });
  return { client, channels: Object.keys(connect.subs).filter((name) => name.includes("#")) };
}

async function publish(channel: string, data: string): Promise<void> {
  const response = await fetch(new URL("/api/publish", cluster.url), {
    method: "POST",
    headers: { "x-api-key": API_KEY },
    body: JSON.stringify({ channel, data }),
  });
  expect(await response.json()).toMatchObject({ result: { offset: expect.any(Number) } });
}

const COMMANDS = (channel: string) => [
  { subscribe: { channel } },
  { subscribe: { channel, recover: true, offset: 0, epoch: "" } },
  { publish: { channel, data: 1 } },
  { history: { channel, limit: -1 } },
  { presence: { channel } },
  { presence_stats: { channel } },
];

describe("a channel with a # in the shipped configuration", () => {
  test("[AU20] another user gets nothing of it by any command", async () => {
    const ann = await enter("ann");
    expect(ann.channels).toEqual(["#ann"]);
    await publish("#ann", "secret");
    const bob = await enter("bob", { info: { name: "bob" } });
    // The positions of server-side subscriptions name channels, and grant none.
    const curious = await RawClient.open(cluster.endpoint());
    const { connect } = await curious.ask({
      id: 1,
      connect: {
        token: await signToken({ sub: "bob" }),
        subs: { "#ann": { recover: true, offset: 0, epoch: "" } },
      },
    });
    expect(Object.keys(connect.subs)).not.toContain("#ann");
    for (const channel of ["#ann", "dialog#ann", "dialog#ann,carl", "dialog#bob#ann"]) {
      for (const [index, command] of COMMANDS(channel).entries()) {
        const reply = await bob.client.ask({ id: index + 2, ...command });
        expect(reply["error"]?.code, JSON.stringify(command)).toBe(103);
      }
    }
    expect(JSON.stringify(bob.client.lines)).not.toContain("secret");
    for (const { client } of [ann, bob]) client.close();
    curious.close();
  });

  test("[AU20] a named user does what the namespace permits", async () => {
    const { client } = await enter("ann");
    expect((await client.ask({ id: 2, publish: { channel: "#ann", data: 1 } }))["publish"]).toEqual({});
    expect((await client.ask({ id: 3, history: { channel: "#ann" } }))["error"]).toBeUndefined();
    expect((await client.ask({ id: 4, presence_stats: { channel: "#ann" } }))["presence_stats"]).toEqual({
      num_clients: 1,
      num_users: 1,
    });
    expect((await client.ask({ id: 5, subscribe: { channel: "pair#ann,bob" } }))["error"]).toBeUndefined();
    client.close();
  });

  test("[AU20] a subscription token for the channel lets its user in, as in Centrifugo", async () => {
    const { client } = await enter("eve");
    const channel = "pair#ann,bob";
    const token = await signToken({ sub: "eve", channel });
    expect((await client.ask({ id: 2, subscribe: { channel, token } }))["error"]).toBeUndefined();
    expect((await client.ask({ id: 3, publish: { channel, data: 1 } }))["publish"]).toEqual({});
    client.close();
  });
});

describe("users with unusual names in the shipped configuration", () => {
  const LONG = "日".repeat(200);

  test.each(["ann,bob", "Jürgen", "google:17", "a#ann", " ", "=ann", LONG])(
    "[AU21] the user %j hears its own channel, and the users whose names it contains do not",
    async (user) => {
      const own = await enter(user);
      const [channel = "", ...more] = own.channels;
      expect(more).toEqual([]);
      await publish(channel, "for one");
      for (;;) {
        const { push } = await own.client.next();
        if (push?.channel === channel && push.pub !== undefined) break;
      }
      expect((await own.client.ask({ id: 2, history: { channel } }))["error"]).toBeUndefined();
      for (const other of ["ann", "bob", "17"]) {
        const { client } = await enter(other);
        for (const [index, command] of COMMANDS(channel).entries())
          expect((await client.ask({ id: index + 2, ...command }))["error"]?.code).toBe(103);
        client.close();
      }
      own.client.close();
    },
  );

  test("[AU21] a user with a long name is known where others name it beside themselves", async () => {
    const { client, channels } = await enter(LONG);
    const channel = `pair${channels[0]},bob`;
    expect((await client.ask({ id: 2, subscribe: { channel } }))["error"]).toBeUndefined();
    client.close();
  });
});
