import { describe, expect, test } from "vitest";
import { api, checkAnswers, Listener, position, useApiCluster } from "../support/api-cluster.ts";
import { eventually } from "../support/cluster.ts";

useApiCluster();

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("[AP3] a key of a back end publishes once", () => {
  test("a repeated key is answered with the first result, and another channel has its own keys", async () => {
    const listener = await (await (await Listener.of("ann")).on("kept:once")).on("passing:once");
    const order = { channel: "kept:once", data: 1, idempotency_key: "k" };
    const first = await api.call("publish", order);
    expect(first).toEqual({ result: position(1) });
    for (let n = 0; n < 3; n++) expect(await api.call("publish", { ...order, data: n })).toEqual(first);
    const again = { channels: ["kept:once", "kept:twice"], data: 2, idempotency_key: "k" };
    expect(await api.call("broadcast", again)).toEqual({
      result: { responses: [first, { result: position(1) }] },
    });
    const passing = { channel: "kept:once", data: 3, idempotency_key: "p", skip_history: true };
    for (let n = 0; n < 2; n++) expect(await api.call("publish", passing)).toEqual({ result: {} });
    await api.call("publish", { channel: "kept:once", data: "last" });
    await eventually(() => listener.heard.at(-1)?.data === "last");
    expect(listener.heard.map(({ data }) => data)).toEqual([1, 3, "last"]);
  });

  test("b64data is data by another name", async () => {
    const data = { text: "grüße", n: [1, null] };
    await api.call("publish", { channel: "kept:b64", b64data: base64(JSON.stringify(data)) });
    const { result } = await api.call("history", { channel: "kept:b64", limit: 1 });
    expect(result.publications).toEqual([{ data, offset: 1 }]);
  });

  test("an older version is not published, and a publication without a version epoch takes that of the channel", async () => {
    const publish = async (version: number, epoch?: string) => {
      const named = epoch === undefined ? {} : { version_epoch: epoch };
      const { result } = await api.call("publish", { channel: "kept:v", data: version, version, ...named });
      return result.offset;
    };
    expect(await publish(5, "a")).toBe(1);
    expect(await publish(5, "a")).toBe(1);
    expect(await publish(4)).toBe(1);
    expect(await publish(6)).toBe(2);
    expect(await publish(1, "b")).toBe(3);
    expect(await publish(0)).toBe(4);
    expect(await publish(1, "b")).toBe(4);
    const listener = await (await Listener.of("vera")).on("kept:v");
    const passing = {
      channel: "kept:v",
      data: "passing",
      version: 1,
      version_epoch: "b",
      skip_history: true,
    };
    expect(await api.call("publish", passing)).toEqual({ result: {} });
    await eventually(() => listener.heard.length === 1);
  });
});

describe("[AP7] a subscriber may filter by tags", () => {
  const cheap = {
    op: "and",
    nodes: [
      { key: "kind", cmp: "eq", val: "offer" },
      { op: "not", nodes: [{ key: "price", cmp: "gte", val: "10.5" }] },
    ],
  } as const;

  test("it hears the publications that pass, live and after a resume, and its position goes on", async () => {
    const channel = "chosen:a";
    const publish = (n: number, price: string) =>
      api.call("publish", { channel, data: n, tags: { kind: n % 2 === 0 ? "offer" : "news", price } });
    const { client } = await Listener.of("chooser");
    const subscription = client.newSubscription(channel, { tagsFilter: cheap as any });
    const heard: unknown[] = [];
    const recovered: boolean[] = [];
    subscription.on("publication", ({ data }) => heard.push(data));
    subscription.on("subscribed", (context) => recovered.push(context.recovered));
    subscription.subscribe();
    await subscription.ready(240_000);
    for (const [n, price] of [
      [1, "1"],
      [2, "10.49"],
      [3, "1"],
      [4, "10.50"],
      [6, "9"],
    ] as const)
      await publish(n, price);
    await eventually(() => heard.length === 2);
    client.disconnect();
    for (const [n, price] of [
      [8, "11"],
      [10, "-3"],
      [11, "1"],
    ] as const)
      await publish(n, price);
    client.connect();
    await client.ready(240_000);
    await publish(12, "0.5");
    await eventually(() => heard.at(-1) === 12);
    expect(heard).toEqual([2, 6, 10, 12]);
    expect(recovered).toEqual([false, true]);
  });

  test("an invalid filter, or a filter that the namespace does not allow, is refused with 107", async () => {
    const { client } = await Listener.of("refused");
    for (const [channel, tagsFilter] of [
      ["kept:filter", cheap],
      ["chosen:b", { key: "a", cmp: "like", val: "b" }],
      ["chosen:c", { op: "not", nodes: [] }],
    ] as const) {
      const subscription = client.newSubscription(channel, { tagsFilter: tagsFilter as any });
      const codes: number[] = [];
      subscription.on("error", ({ error }) => codes.push(error.code));
      subscription.on("unsubscribed", ({ code }) => codes.push(code));
      subscription.subscribe();
      await eventually(() => codes.length > 0);
      expect(codes, channel).toEqual([107]);
    }
  });
});

test("[AP6] every answer of these tests fits its schema", async () => {
  expect((await checkAnswers()).size).toBeGreaterThan(0);
});
