import { afterEach, describe, expect, test, vi } from "vitest";
import type { Hooks } from "../../src/hooks/hooks.ts";
import { Client, keysOf, startOver, until } from "./client.ts";
import { forgetHooks, hooks } from "./hooked.ts";
import { boom, holdTimers, HOOK_TIMEOUT_MS, silence } from "./failing-hooks.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

/** The log lines that name a hook. */
const ofHooks = (logged: ReturnType<typeof silence>) =>
  logged.mock.calls.filter(([line]) => typeof line === "object" && line !== null && "hook" in line);
const never = () => new Promise<never>(() => undefined);

describe("[HK2] a hook that fails refuses only its own operation", () => {
  const failures: Record<string, () => never | Promise<never>> = {
    "throws at once": boom,
    rejects: async () => boom(),
    "never ends": never,
  };
  for (const [how, fail] of Object.entries(failures)) {
    test(`a hook that ${how} refuses its operation`, async () => {
      const logged = silence();
      const temporary = { code: 100, message: "internal server error", temporary: true };
      const listener = await Client.connect("bob");
      await listener.ask({ subscribe: { channel: "room" } });
      const client = await Client.connect("ann");
      hooks.onSubscribe = fail;
      hooks.onPublish = fail;
      hooks.onRpc = fail;
      const commands = [
        { subscribe: { channel: "room" } },
        { publish: { channel: "room", data: 1 } },
        { rpc: {} },
        { presence: { channel: "room" } },
      ];
      for (const [n, command] of commands.entries())
        client.socket.send(JSON.stringify({ id: n + 10, ...command }));
      await until(() => client.lines.some(({ id }) => id === 13));
      // The answers come in order, one for each command.
      const replies = client.lines.filter(({ id }) => (id ?? 0) >= 10);
      expect(replies.map(({ id, error }) => [id, error])).toEqual([
        [10, temporary],
        [11, temporary],
        [12, temporary],
        [13, { code: 103, message: "permission denied" }],
      ]);
      forgetHooks();
      expect((await client.ask({ subscribe: { channel: "room" } }))["subscribe"]).toEqual({});
      expect((await client.ask({ publish: { channel: "room", data: 2 } }))["publish"]).toEqual({});
      await until(() => listener.heard("room").length === 1 && client.heard("room").length === 1);
      expect(listener.heard("room")).toEqual([2]);

      hooks.onConnect = fail;
      const refused = await Client.open("eve");
      expect((await refused.ask({ connect: {} })).error).toEqual(temporary);
      expect(ofHooks(logged).length).toBeGreaterThanOrEqual(4);
    });
  }

  test("an answer that is not allowed refuses the operation", async () => {
    const logged = silence();
    const client = await Client.connect("ann");
    const wrong = [
      { error: { code: 1, message: "too low" } },
      { disconnect: { code: 1000, reason: "no code of ours" } },
      { disconnect: { code: 4500, reason: '{"reconnect":true}' } },
      { dta: 1 },
      "yes",
    ];
    for (const answer of wrong) {
      hooks.onRpc = () => answer as unknown as ReturnType<NonNullable<Hooks["onRpc"]>>;
      expect((await client.ask({ rpc: {} })).error?.code).toBe(100);
    }
    expect(client.closeCode).toBeUndefined();
    expect(ofHooks(logged)).toHaveLength(wrong.length);
  });

  test("an answer that JSON cannot hold refuses the operation", async () => {
    const logged = silence();
    const client = await Client.connect("ann");
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const wrong = [1n, circle, () => "a function", { deep: [2n] }];
    for (const data of wrong) {
      hooks.onRpc = () => ({ data });
      expect((await client.ask({ rpc: {} })).error?.code).toBe(100);
    }
    hooks.onRpc = () => ({ data: { at: new Date(0) } });
    expect((await client.ask({ rpc: {} })).rpc).toEqual({ data: { at: "1970-01-01T00:00:00.000Z" } });
    expect(ofHooks(logged)).toHaveLength(wrong.length);
  });

  test("[HK2, CE5] an answer is taken as JSON has it, and one that is nested too deep refuses the operation", async () => {
    const logged = silence();
    const withFunction = { name: "ann", born: new Date(0), greet: () => "hello" };
    hooks.onConnect = () => ({ info: withFunction });
    hooks.onSubscribe = () => ({ info: withFunction });
    const ann = await Client.connect("ann");
    expect((await ann.ask({ subscribe: { channel: "room" } })).error).toBeUndefined();
    expect((await ann.ask({ publish: { channel: "room", data: 1 } })).error).toBeUndefined();
    await until(() => ann.heard("room").length === 1);
    const asJson = { name: "ann", born: "1970-01-01T00:00:00.000Z" };
    const info = ann.lines.flatMap(({ push }) => (push?.pub as { info?: unknown } | undefined)?.info ?? []);
    expect(info).toMatchObject([{ conn_info: asJson, chan_info: asJson }]);
    let deep: unknown = 1;
    for (let n = 0; n < 501; n++) deep = [deep];
    hooks.onPublish = () => ({ data: deep });
    expect((await ann.ask({ publish: { channel: "room", data: 1 } })).error?.code).toBe(100);
    expect(ofHooks(logged)).toHaveLength(1);
    hooks.onPublish = () => ({ data: (deep as unknown[])[0] });
    expect((await ann.ask({ publish: { channel: "room", data: 1 } })).error).toBeUndefined();
  });

  test("a slow hook for one client does not delay other clients", async () => {
    silence();
    const patience = holdTimers(HOOK_TIMEOUT_MS);
    const [slowKey, fastKey] = await keysOf("auto-1", 2);
    const slow = await Client.connect(slowKey ?? "");
    const fast = await Client.connect(fastKey ?? "");
    hooks.onRpc = ({ data }) => (data === "slow" ? never() : { data });
    let slowDone = false;
    const waiting = slow.ask({ rpc: { data: "slow" } }).then((line) => {
      slowDone = true;
      return line;
    });
    for (let n = 0; n < 20; n++) expect((await fast.ask({ rpc: { data: n } }))["rpc"]).toEqual({ data: n });
    expect(slowDone).toBe(false);
    patience.open();
    expect((await waiting).error?.code).toBe(100);
  });
});
