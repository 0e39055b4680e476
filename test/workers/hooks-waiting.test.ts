import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { ringcast } from "../../src/ringcast.ts";
import { api, Client, Gate, nameOf, startOver, until } from "./client.ts";
import { forgetHooks, hooks } from "./hooked.ts";
import { holdTimers, HOOK_TIMEOUT_MS } from "./failing-hooks.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
  forgetHooks();
});

describe("[BD23] the frames that wait behind a slow hook are bounded", () => {
  /** The values of the deployment under test (vitest.config.ts). The frame that is at work counts. */
  const WAITING = { frames: 64, bytes: 65_536 };
  const rpc = (id: number, units = 0) => JSON.stringify({ id, rpc: { data: "x".repeat(units) } });

  /** A client whose connect is in work until the gate opens. */
  async function connecting() {
    const gate = new Gate();
    holdTimers(HOOK_TIMEOUT_MS);
    let asked = false;
    hooks.onConnect = async () => {
      asked = true;
      await gate.pass();
    };
    hooks.onRpc = () => ({ data: "done" });
    const client = await Client.open("ann");
    client.socket.send(JSON.stringify({ id: 1, connect: {} }));
    await until(() => asked);
    return { client, gate };
  }

  const bounds = {
    number: { count: WAITING.frames - 1, units: 0 },
    // With its command each frame is a little larger than its data.
    bytes: { count: 7, units: WAITING.bytes / 8 },
  };
  for (const [bound, { count, units }] of Object.entries(bounds)) {
    test(`as many frames as may wait are carried out after the connect, in order (${bound})`, async () => {
      const { client, gate } = await connecting();
      for (let n = 0; n < count; n++) client.socket.send(rpc(n + 2, units));
      gate.open();
      await until(() => client.lines.filter(({ rpc: done }) => done !== undefined).length === count);
      const ids = client.lines.flatMap(({ id }) => (id === undefined ? [] : [id]));
      expect(ids).toEqual(Array.from({ length: count + 1 }, (_, n) => n + 1));
      expect(client.closeCode).toBeUndefined();
    });

    test(`a client with one more is closed with 3013 while the hook is still at work (${bound})`, async () => {
      const { client, gate } = await connecting();
      for (let n = 0; n <= count; n++) client.socket.send(rpc(n + 2, units));
      expect(await client.closed).toBe(3013);
      expect(client.lines).toEqual([]);
      gate.open();
    });
  }
});

test("[BD23] the orders of a back end that wait for a client are no frames of the client", async () => {
  hooks.onRpc = () => ({ data: "done" });
  const gate = new Gate();
  const { register } = Channel.prototype;
  const spied = async function (this: Channel, ...args: Parameters<typeof register>) {
    if (nameOf(this) === "room-0") await gate.pass();
    return register.apply(this, args);
  };
  vi.spyOn(Channel.prototype, "register").mockImplementation(spied as unknown as typeof register);
  const client = await Client.open("ann");
  const { result } = await ringcast(env).token("ann");
  await client.ask({ connect: { token: result?.token } });
  const orders = Array.from({ length: 80 }, (_, n) => ringcast(env).subscribe("ann", `room-${n}`));
  await scheduler.wait(300);
  const asked = client.ask({ rpc: {} });
  await scheduler.wait(100);
  gate.open();
  expect((await asked)["rpc"]).toEqual({ data: "done" });
  await Promise.all(orders);
});

describe("[BD29] what a client is to hear after its connect is bounded", () => {
  /** Of a whole publication, a little more than a quarter of `limits.queuedBytes`. */
  const DATA = "x".repeat(300_000);

  /** A client whose connect waits for one of its channels, while another one of them has begun. */
  async function connecting() {
    const gate = new Gate();
    const original = Channel.prototype.register;
    const registered: string[] = [];
    vi.spyOn(Channel.prototype, "register").mockImplementation(async function (
      this: InstanceType<typeof Channel>,
      ...args: Parameters<typeof original>
    ) {
      const answer = original.apply(this, args);
      registered.push(nameOf(this));
      if (nameOf(this) === "late") await gate.pass();
      return answer;
    } as unknown as typeof original);
    hooks.onConnect = () => ({ channels: ["news", "late"] });
    const client = await Client.open("ann");
    client.socket.send(JSON.stringify({ id: 1, connect: {} }));
    await until(() => registered.includes("news") && registered.includes("late"));
    const publish = (n: number) => api("publish", { channel: "news", data: [n, DATA] });
    return { client, gate, publish };
  }

  test("a client that would be sent more than it may leave unread is closed with 3008", async () => {
    const { client, gate, publish } = await connecting();
    for (let n = 0; n < 5; n++) await publish(n);
    expect(await client.closed).toBe(3008);
    expect(client.lines).toEqual([]);
    gate.open();
  });

  test("less than that is sent after the answer, in order", async () => {
    const { client, gate, publish } = await connecting();
    for (let n = 0; n < 3; n++) await publish(n);
    expect(client.lines).toEqual([]);
    gate.open();
    await until(() => client.heard("news").length === 3);
    expect(client.lines[0]).toMatchObject({ id: 1, connect: { subs: { news: {}, late: {} } } });
    expect(client.heard("news").map((data) => (data as [number, string])[0])).toEqual([0, 1, 2]);
  });
});
