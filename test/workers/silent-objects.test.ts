import { afterEach, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { env } from "cloudflare:workers";
import { api, Client, fetchWorker, Gate, startOver } from "./client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

const CHANNEL = "kept:silent";

/** The calls of a class that wait at the gate. */
const METHODS = [
  [Channel.prototype, ["history", "removeHistory", "presenceUpTo", "presenceCount"]],
  [Coordinator.prototype, ["channels", "cluster", "broadcast", "change"]],
] as const;

/** A request of an operator. */
async function operator(method: string, path: string): Promise<any> {
  const headers = { "x-api-key": env.API_KEY ?? "" };
  const answer = await fetchWorker(
    new Request(`https://ringcast.test/admin/api${path}`, { method, headers }),
  );
  return [answer.status, answer.headers.get("retry-after"), (await answer.json<any>()).error?.message];
}

test("[BD101, BD105] no client, no back end and no operator waits for ever for an object that does not answer", async () => {
  const [ann, bob, cid] = await Promise.all([
    Client.connect("ann"),
    Client.connect("bob"),
    Client.connect("cid"),
  ]);
  for (const client of [ann, bob, cid]) await client.ask({ subscribe: { channel: CHANNEL } });
  const gate = new Gate();
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  for (const [prototype, methods] of METHODS)
    for (const method of methods) {
      const object = prototype as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
      const answer = object[method];
      vi.spyOn(object, method).mockImplementation(async function (this: unknown, ...args) {
        await gate.pass();
        return answer?.apply(this, args);
      });
    }
  const asked: Promise<any>[] = [
    ann.ask({ history: { channel: CHANNEL, limit: 1 } }),
    bob.ask({ presence: { channel: CHANNEL } }),
    cid.ask({ presence_stats: { channel: CHANNEL } }),
    ...["history", "history_remove", "presence", "presence_stats"].map((method) =>
      api(method, { channel: CHANNEL }),
    ),
    api("channels", {}),
    api("info", {}),
    api("publish", { channel: "ringcast:broadcast", data: 1 }),
  ];
  const operators = [operator("GET", "/cluster"), operator("DELETE", "/shards/s1")];
  const answers = await Promise.all(asked);
  expect(answers.map((answer) => answer.error?.code)).toEqual(asked.map(() => 100));
  const late = "the cluster has not answered within 20000 ms";
  expect(await Promise.all(operators)).toEqual([
    [503, "5", late],
    [503, "5", `${late}; what was asked for may still be done`],
  ]);
  gate.open();
  // A command that waited behind it is answered.
  expect((await ann.ask({ history: { channel: CHANNEL, limit: 1 } })).error).toBeUndefined();
});
