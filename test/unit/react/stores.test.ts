import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createElement, type ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, expect, test, vi } from "vitest";
import WebSocket from "ws";
import { createClient } from "../../../src/client/client.ts";
import { connectionStoreOf } from "../../../src/react/connection-store.ts";
import { DataStore } from "../../../src/react/data-store.ts";
import { PresenceStore } from "../../../src/react/presence-store.ts";
import { useChannel } from "../../../src/react/react.ts";

afterEach(() => vi.useRealTimers());

/** Without a server: the stock subscriptions are told what they would hear. */
const newClient = () => createClient({ url: "http://127.0.0.1:9", websocket: WebSocket });

test("[PK12] a component that comes when the connection is lost learns why, as those before it", () => {
  const { centrifuge } = newClient();
  const before = connectionStoreOf(centrifuge);
  centrifuge.connect();
  centrifuge.disconnect();
  expect(before.read()).toMatchObject({ status: "disconnected", reason: { code: 0 } });
  expect(connectionStoreOf(centrifuge).read()).toEqual(before.read());
});

test("[PK12] what a component has heard stays where its listener throws, and where it keeps more or less", () => {
  const channel = newClient().channel("a");
  let keep = 2;
  const thrown: unknown[] = [];
  // As `Channel` does it for each listener.
  const listen = vi.spyOn(channel, "listen").mockReturnValue(() => undefined);
  const store = new DataStore(
    channel,
    () => keep,
    (data) => {
      if (data === "bad") throw new Error("of a listener");
    },
  );
  let changes = 0;
  store.watch(() => (changes += 1));
  const hear = (data: unknown): readonly unknown[] => {
    try {
      listen.mock.calls[0]?.[0](data, { channel: "a", data });
    } catch (error) {
      thrown.push(error);
    }
    return store.read();
  };
  expect([hear("one"), hear("bad"), hear("two")]).toEqual([["one"], ["one", "bad"], ["bad", "two"]]);
  expect(thrown.map(String)).toEqual(["Error: of a listener"]);
  keep = 3;
  expect(hear("three")).toEqual(["bad", "two", "three"]);
  keep = 0;
  expect([hear("four"), hear("five")]).toEqual([[], []]);
  expect(changes).toBe(5);
});

test.each([0, Infinity, 2 ** 31])(
  "[PK12] a presence with refreshMs %s is not asked for again and again",
  async (ms) => {
    vi.useFakeTimers();
    const channel = newClient().channel("a");
    const asked = vi.spyOn(channel, "presence").mockResolvedValue({ clients: {} });
    const stop = new PresenceStore(channel, ms).watch(() => undefined);
    channel.subscription.emit("subscribed", {} as never);
    await vi.advanceTimersByTimeAsync(3_600_000);
    stop();
    expect(asked).toHaveBeenCalledOnce();
  },
);

test("[PK12] a server that renders the pages of many channels does not grow with each", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const heap = async (): Promise<number> => {
    for (let n = 0; n < 3; n++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return process.memoryUsage().heapUsed;
  };
  const client = newClient();
  const Page = ({ name }: { readonly name: string }): ReactNode => useChannel(client, name).status;
  const render = (kind: string): void => {
    for (let n = 0; n < 20_000; n++) renderToString(createElement(Page, { name: `${kind}:${n}` }));
  };
  render("first");
  const before = await heap();
  render("second");
  // 517 bytes of each name would be 10 MB.
  expect((await heap()) - before).toBeLessThan(4_000_000);
  const configured = client.channel("configured", { joinLeave: false });
  expect(client.channel("configured")).toBe(configured);
});
