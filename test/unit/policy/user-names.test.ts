import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import { personalChannelOf } from "../../../src/platform/user-digest.ts";
import { parseChannel } from "../../../src/policy/channels.ts";
import { isNamed } from "../../../src/policy/user-names.ts";
import { anyText } from "../any-text.ts";

const digestOf = (user: string) => createHash("sha256").update(user).digest("hex");

function clusterWith(namespace: string) {
  const { cluster } = parseConfig({
    RINGCAST: { personalChannel: { enabled: true, namespace } },
    RINGCAST_NS_own: {},
  });
  return cluster;
}
const CLUSTER = clusterWith("");

async function ownChannel(user: string, cluster = CLUSTER) {
  const [name = ""] = await personalChannelOf(cluster, user);
  const parsed = parseChannel(name, cluster.limits.channelBytes);
  if (!parsed.ok) throw new Error(`not a channel: ${name}`);
  return parsed.channel;
}

test.each([
  ["ann", "#ann"],
  ["ann smith", "#ann smith"],
  ["ann@example.com", "#ann@example.com"],
  ["50%", "#50%"],
  ["ann,bob", "#=ann%2Cbob"],
  ["a#b", "#=a%23b"],
  ["google:17", "#=google%3A17"],
  [" ann", "#=%20ann"],
  ["=ann", "#=%3Dann"],
  ["Jürgen", "#=J%C3%BCrgen"],
  ["x".repeat(254), `#${"x".repeat(254)}`],
  ["x".repeat(255), `#==${digestOf("x".repeat(255))}`],
  ["日".repeat(40), `#==${digestOf("日".repeat(40))}`],
])("[AU21] the own channel of the user %j is %s", async (user, name) => {
  expect(await personalChannelOf(CLUSTER, user)).toEqual([name]);
});

test("[AU21] a user's own channel is in the namespace that the configuration names", async () => {
  expect(await personalChannelOf(clusterWith("own"), "google:17")).toEqual(["own:#=google%3A17"]);
  expect(await ownChannel("日".repeat(200), clusterWith("own"))).toMatchObject({ namespace: "own" });
});

test("[AU21] a nameless user has no channel of its own", async () => {
  expect(await personalChannelOf(CLUSTER, "")).toEqual([]);
});

const hostile = fc.oneof(
  anyText({ maxLength: 300 }).filter((text) => text !== "" && text.isWellFormed()),
  fc.string({
    unit: fc.constantFrom("a", "=", ",", "#", ":", "%", "2", "C", " ", "é"),
    minLength: 1,
    maxLength: 8,
  }),
);

test("[AU21] a user's own channel names that user, and no other user", async () => {
  await fc.assert(
    fc.asyncProperty(hostile, hostile, async (user, other) => {
      const channel = await ownChannel(user);
      expect(isNamed(channel, user, digestOf(user))).toBe(true);
      expect(isNamed(channel, "", digestOf(""))).toBe(false);
      if (other !== user) expect(isNamed(channel, other, digestOf(other))).toBe(false);
    }),
  );
});

test("[AU21] no user is named by the text of another user's entry", async () => {
  await fc.assert(
    fc.asyncProperty(hostile, async (user) => {
      const channel = await ownChannel(user);
      for (const entry of channel.users ?? [])
        if (entry !== user) expect(isNamed(channel, entry, digestOf(entry))).toBe(false);
    }),
  );
});

test("[AU21] a configuration whose users could have no channel of their own is refused by its field", () => {
  const parse = (cluster: object) => () =>
    parseConfig({ RINGCAST: { personalChannel: { enabled: true, namespace: "own" }, ...cluster } });
  expect(parse({})).toThrow("RINGCAST.personalChannel.namespace: there is no variable RINGCAST_NS_own");
  expect(() =>
    parseConfig({ RINGCAST: { personalChannel: { enabled: true }, limits: { channelBytes: 67 } } }),
  ).toThrow("RINGCAST.limits.channelBytes: the names of personal channels have up to 68 bytes");
});
