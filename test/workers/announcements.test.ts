import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { Shard } from "../../src/shard/shard.ts";
import { api, Client, keysOf, startOver, until } from "./client.ts";

beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));
afterEach(async () => {
  vi.restoreAllMocks();
  await startOver();
});

const ROOM = "heard:room";

async function on(shard: string): Promise<Client> {
  const [key] = await keysOf(shard, 1);
  return Client.connect(key ?? "");
}

/** The kinds of what a client has heard, in order. */
const kinds = (client: Client): string[] =>
  client.lines.flatMap(({ push }) =>
    push?.channel === ROOM ? Object.keys(push).filter((name) => name !== "channel") : [],
  );

/** From now on the answer to the first of equal calls is lost: the object has done its work by then. */
function loseFirstAnswers(prototype: object, method: string): void {
  const original = Reflect.get(prototype, method) as (...args: unknown[]) => unknown;
  const seen = new Set<string>();
  vi.spyOn(prototype as Record<string, () => unknown>, method).mockImplementation(async function (
    this: unknown,
    ...args: unknown[]
  ) {
    // A repetition differs in these.
    const call = JSON.stringify(args, (name, value: unknown) =>
      name === "mayRepeat" || name === "again" ? undefined : value,
    );
    const answer: unknown = await original.apply(this, args);
    if (seen.has(call)) return answer;
    seen.add(call);
    throw new Error("the network has lost an answer");
  });
}

describe("[BD61] a lost answer repeats no join, no leave and no publication that is not kept", () => {
  async function joinPublishAndLeave(): Promise<string[]> {
    const watcher = await on("auto-2");
    await watcher.ask({ subscribe: { channel: ROOM } });
    const joiner = await on("auto-1");
    await joiner.ask({ subscribe: { channel: ROOM } });
    await until(() => kinds(watcher).includes("join"));
    await api("publish", { channel: ROOM, data: "passing", skip_history: true });
    await until(() => watcher.heard(ROOM).includes("passing"));
    await joiner.ask({ unsubscribe: { channel: ROOM } });
    await until(() => kinds(watcher).includes("leave"));
    // A kept publication is repeated until the shard has it; it comes after everything before it.
    await api("publish", { channel: ROOM, data: "kept" });
    await until(() => watcher.heard(ROOM).includes("kept"));
    expect(watcher.heard(ROOM)).toEqual(["passing", "kept"]);
    // The watcher hears its own join first, where it hears that at all.
    return kinds(watcher).filter((kind) => kind !== "pub");
  }

  test("of a delivery to a shard", async () => {
    loseFirstAnswers(Shard.prototype, "deliver");
    const heard = await joinPublishAndLeave();
    expect(heard.filter((kind) => kind === "leave")).toEqual(["leave"]);
    expect(heard.filter((kind) => kind === "join").length).toBeLessThanOrEqual(2);
    expect(heard.slice(-2)).toEqual(["join", "leave"]);
  });

  test("of a shard's call to the channel", async () => {
    const watcher = await on("auto-3");
    await watcher.ask({ subscribe: { channel: ROOM } });
    await until(() => kinds(watcher).includes("join"));
    // The channel has been awake for longer than a shard repeats its calls.
    const later = Date.now() + 60_000;
    vi.spyOn(Date, "now").mockReturnValue(later);
    loseFirstAnswers(Channel.prototype, "announce");
    const joiner = await on("auto-1");
    await joiner.ask({ subscribe: { channel: ROOM } });
    await until(() => kinds(watcher).length === 2);
    await joiner.ask({ unsubscribe: { channel: ROOM } });
    await until(() => kinds(watcher).includes("leave"));
    const last = await on("auto-1");
    await last.ask({ subscribe: { channel: ROOM } });
    await until(() => kinds(watcher).at(-1) === "join" && kinds(watcher).length >= 4);
    expect(kinds(watcher)).toEqual(["join", "join", "leave", "join"]);
  });
});

test("[BD61] a join that a channel has told before it died is not told by its next life", async () => {
  const watcher = await on("auto-3");
  await watcher.ask({ subscribe: { channel: ROOM } });
  await until(() => kinds(watcher).includes("join"));
  const { announce } = Channel.prototype;
  const calls: boolean[] = [];
  vi.spyOn(Channel.prototype, "announce").mockImplementation(function (this: Channel, ...args) {
    calls.push(args[0][0]?.again === true);
    announce.apply(this, args);
    // The deliveries go out, and the answer does not.
    if (calls.length === 1)
      return scheduler.wait(200).then(() => this.crash()) as unknown as ReturnType<typeof announce>;
  });
  const joiner = await on("auto-1");
  await joiner.ask({ subscribe: { channel: ROOM } });
  await until(() => calls.length === 2);
  const last = await on("auto-2");
  await last.ask({ subscribe: { channel: ROOM } });
  await until(() => calls.length === 3);
  await until(() => kinds(watcher).length >= 3);
  expect(calls).toEqual([false, true, false]);
  expect(kinds(watcher)).toEqual(["join", "join", "join"]);
});
