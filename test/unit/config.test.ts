import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig } from "../../src/config.ts";

describe("[AU5] a wrong setting is refused with the name of its field", () => {
  const wrong: [what: string, variables: Record<string, unknown>, named: RegExp][] = [
    ["a word for a number", { RINGCAST: { shards: { initial: "four" } } }, /RINGCAST\.shards\.initial/],
    ["a number out of bounds", { RINGCAST: { limits: { frameBytes: 5 } } }, /RINGCAST\.limits\.frameBytes/],
    ["a field that nobody knows", { RINGCAST: { shrads: {} } }, /RINGCAST.*shrads/],
    [
      "an affinity source that nobody knows",
      { RINGCAST: { affinity: { order: ["moon"] } } },
      /affinity\.order\.0/,
    ],
    ["a namespace option", { RINGCAST_NS_chat: { presense: true } }, /RINGCAST_NS_chat.*presense/],
    ["text that is no JSON", { RINGCAST: "{" }, /RINGCAST is not JSON/],
    ["a list", { RINGCAST_NS_DEFAULT: [] }, /RINGCAST_NS_DEFAULT must be a table/],
    ["an override", { RINGCAST: {}, RINGCAST_OVERRIDES: { insecure: "yes" } }, /insecure/],
  ];
  for (const [what, variables, named] of wrong) {
    test(what, () => {
      expect(() => parseConfig(variables)).toThrow(ConfigError);
      expect(() => parseConfig(variables)).toThrow(named);
    });
  }

  test("two wrong fields are both named", () => {
    expect(() => parseConfig({ RINGCAST: { shards: { max: 0 }, anonymous: 1 } })).toThrow(
      /shards\.max.*anonymous|anonymous.*shards\.max/s,
    );
  });

  test("without any variable everything is closed, and has a default", () => {
    const { cluster, defaultNamespace, namespaces } = parseConfig({});
    expect(cluster).toMatchObject({
      insecure: false,
      anonymous: false,
      development: false,
      allowedOrigins: [],
    });
    expect(cluster.shards).toEqual({
      initial: 4,
      initialWeight: 16,
      max: 64,
      defaultRegion: "auto",
      seed: 0,
    });
    expect(Object.values(defaultNamespace).some(Boolean)).toBe(false);
    expect(namespaces.size).toBe(0);
  });

  test("overrides are laid over field by field, and lists as a whole", () => {
    const { cluster } = parseConfig({
      RINGCAST: { anonymous: true, shards: { initial: 2, max: 9 }, allowedOrigins: ["https://a.example"] },
      RINGCAST_OVERRIDES: JSON.stringify({ shards: { max: 10 }, allowedOrigins: [] }),
    });
    expect(cluster).toMatchObject({ anonymous: true, allowedOrigins: [], shards: { initial: 2, max: 10 } });
  });

  test("namespaces are found by their variables, and other variables are left alone", () => {
    const { namespaces, defaultNamespace } = parseConfig({
      RINGCAST_NS_chat: { presence: true },
      RINGCAST_NS_DEFAULT: '{"join_leave":true}',
      API_KEY: "secret",
      SHARD: {},
    });
    expect([...namespaces.keys()]).toEqual(["chat"]);
    expect(namespaces.get("chat")?.presence).toBe(true);
    expect(defaultNamespace.join_leave).toBe(true);
  });
});
