import { evictAllDurableObjects } from "cloudflare:test";
import { applyDelta } from "fossil-delta";
import { afterEach, expect, test } from "vitest";
import { Client, startOver, until } from "./client.ts";

afterEach(() => startOver());

type Received = { data: string; delta?: true; offset: number };

const bytes = (text: string) => new TextEncoder().encode(text);
const common = "what every publication has in common, at some length".repeat(5);

function decode(received: readonly Received[]): unknown[] {
  let before = "";
  return received.map(({ data, delta }) => {
    before = delta === true ? new TextDecoder().decode(applyDelta(bytes(before), bytes(data))) : data;
    return (JSON.parse(before) as { n: number }).n;
  });
}

const live = (client: Client) =>
  client.lines.flatMap(({ push }) => (push?.pub ? [push.pub as unknown as Received] : []));

test("[DL10] subscribers with and without delta hear the same publications, also across a resume and a sleep", async () => {
  const [patched, plain] = [await Client.connect("a"), await Client.connect("b")];
  const reply = await patched.ask({ subscribe: { channel: "delta:a", delta: "fossil" } });
  expect(reply["subscribe"]).toMatchObject({ delta: true, recoverable: true });
  const { epoch } = reply["subscribe"] as { epoch: string };
  expect((await plain.ask({ subscribe: { channel: "delta:a" } }))["subscribe"]).not.toHaveProperty("delta");
  const publish = async (n: number) => {
    await plain.ask({ publish: { channel: "delta:a", data: { common, n } } });
    await until(
      () => live(patched).length === n && live(plain).length === n,
      () => [patched.lines, plain.lines],
    );
  };
  for (const n of [1, 2, 3]) await publish(n);
  expect(live(patched).map(({ delta }) => delta)).toEqual([undefined, true, true]);
  await evictAllDurableObjects({ webSockets: "hibernate" });
  for (const n of [4, 5]) await publish(n);
  expect(live(patched).map(({ delta }) => delta)).toEqual([undefined, true, true, undefined, true]);
  expect(decode(live(patched))).toEqual([1, 2, 3, 4, 5]);
  expect(live(plain).map(({ data }) => (data as unknown as { n: number }).n)).toEqual([1, 2, 3, 4, 5]);

  const back = await Client.connect("c");
  const resumed = await back.ask({
    subscribe: { channel: "delta:a", delta: "fossil", recover: true, offset: 2, epoch },
  });
  const { publications } = resumed["subscribe"] as { publications: Received[] };
  expect(publications.map(({ delta }) => delta)).toEqual([undefined, true, true]);
  await publish(6);
  // The missed publications are the base of the next patch.
  expect(live(back).map(({ delta }) => delta)).toEqual([true]);
  expect(decode([...publications, ...live(back)])).toEqual([3, 4, 5, 6]);
});

test("[DL10] a subscriber gets no delta where the namespace does not allow it", async () => {
  const client = await Client.connect("a");
  const reply = await client.ask({ subscribe: { channel: "kept:a", delta: "fossil" } });
  expect(reply["subscribe"]).not.toHaveProperty("delta");
});
