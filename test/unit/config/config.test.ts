import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig } from "../../../src/config/config.ts";
import { namespaceSchema } from "../../../src/config/namespace.ts";
import { SECRETS } from "../../../src/testing/secrets.ts";

describe("[AU5] a wrong setting is refused with the name of its field", () => {
  const wrong: [what: string, variables: Record<string, unknown>, named: RegExp][] = [
    ["a word for a number", { RINGCAST: { shards: { initial: "four" } } }, /RINGCAST\.shards\.initial/],
    ["a number out of bounds", { RINGCAST: { limits: { frameBytes: 5 } } }, /RINGCAST\.limits\.frameBytes/],
    ["an unknown field", { RINGCAST: { shrads: {} } }, /RINGCAST.*shrads/],
    ["an unknown affinity source", { RINGCAST: { affinity: { order: ["moon"] } } }, /affinity\.order\.0/],
    ["a namespace option", { RINGCAST_NS_chat: { presense: true } }, /RINGCAST_NS_chat.*presense/],
    ["text that is no JSON", { RINGCAST: "{" }, /RINGCAST is not JSON/],
    ["a list", { RINGCAST_NS_DEFAULT: [] }, /RINGCAST_NS_DEFAULT must be a table/],
    ["an override", { RINGCAST: {}, RINGCAST_OVERRIDES: { insecure: "yes" } }, /insecure/],
    [
      "a webhook without its secret",
      { RINGCAST: { webhook: { url: "https://example.com", events: ["connected"] } } },
      /WEBHOOK_SECRET/,
    ],
    [
      "an unknown event",
      { RINGCAST: { webhook: { url: "https://example.com", events: ["conected"] } } },
      /RINGCAST\.webhook\.events\.0/,
    ],
    [
      "a webhook that is no web address",
      { RINGCAST: { webhook: { url: "ftp://example.com", events: ["connected"] } } },
      /RINGCAST\.webhook\.url/,
    ],
    [
      "more shards at least than at most",
      { RINGCAST: { shards: { max: 4 }, scale: { min: 5 } } },
      /RINGCAST\.scale\.min: 5 shards are more than shards\.max, which is 4/,
    ],
    [
      "a target at the mark",
      { RINGCAST: { scale: { target: 0.75, mark: 0.75 } } },
      /RINGCAST\.scale\.target/,
    ],
    [
      "a mark above the mark of pressure",
      { RINGCAST: { scale: { mark: 0.95, pressureMark: 0.9 } } },
      /RINGCAST\.scale\.mark/,
    ],
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
    expect(Object.values(defaultNamespace).filter((option) => option === true)).toEqual([]);
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
      API_KEY: "a-secret-of-16-characters",
      SHARD: {},
    });
    expect([...namespaces.keys()]).toEqual(["chat"]);
    expect(namespaces.get("chat")?.presence).toBe(true);
    expect(defaultNamespace.join_leave).toBe(true);
  });
});

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The paths of all settings that have a default. */
function pathsOf(table: Record<string, unknown>): string[][] {
  return Object.entries(table).flatMap(([field, value]) =>
    isTable(value) ? pathsOf(value).map((path) => [field, ...path]) : [[field]],
  );
}

/** `{ a: { b: value } }` for the path a, b. */
const nest = (path: readonly string[], value: unknown): Record<string, unknown> =>
  path.reduceRight((inner, field) => ({ [field]: inner }), value as Record<string, unknown>);

const NAMESPACE_OPTIONS = Object.entries(namespaceSchema.parse({}));
const SWITCHES = NAMESPACE_OPTIONS.filter(([, value]) => typeof value === "boolean").map(([name]) => name);
const PATHS = pathsOf(parseConfig({}).cluster).map((path) => [path.join("."), path] as const);

describe("[AU5] every setting", () => {
  test.each(PATHS)("[AU5] %s of a wrong type is refused by its path, also as an override", (name, path) => {
    // No setting is null, and a null must not pass for one that is absent.
    const wrong = nest(path, null);
    expect(() => parseConfig({ RINGCAST: wrong })).toThrow(`RINGCAST.${name}: `);
    expect(() => parseConfig({ RINGCAST_OVERRIDES: wrong })).toThrow(`RINGCAST.${name}: `);
  });

  test.each(NAMESPACE_OPTIONS)(
    "[AU5] the namespace option %s of a wrong type is refused by its path",
    (name) => {
      for (const variable of ["RINGCAST_NS_chat", "RINGCAST_NS_DEFAULT"]) {
        expect(() => parseConfig({ [variable]: { [name]: null } })).toThrow(`${variable}.${name}: `);
      }
    },
  );

  test.each(SWITCHES)("[AU5] the switch %s takes true and no other word for it", (name) => {
    for (const wrong of ["true", 1, {}]) {
      const named = `RINGCAST_NS_chat.${name}: `;
      expect(() => parseConfig({ RINGCAST_NS_chat: { [name]: wrong } })).toThrow(named);
    }
    const { namespaces } = parseConfig({ RINGCAST_NS_chat: { [name]: true } });
    expect(namespaces.get("chat")).toMatchObject({ [name]: true });
  });

  test.each([
    ["shards.initial", [0, 65, 1.5]],
    ["shards.defaultRegion", ["moon", ""]],
    ["shards.seed", [-1, 2 ** 32]],
    ["limits.sessionsPerShard", [0, 32_001]],
    ["times.pingIntervalMs", [999, 300_001]],
    ["moves.busyWaitMs", [-1, 30_001]],
    ["affinity.cookie", [""]],
    ["tokens.jwksUrl", ["keys", "", 1]],
    ["tokens.rsaPublicKey", [1]],
  ])("[AU5] %s out of its bounds is refused by its path", (name, values) => {
    for (const value of values) {
      const wrong = nest(name.split("."), value);
      expect(() => parseConfig({ RINGCAST: wrong })).toThrow(`RINGCAST.${name}: `);
    }
  });
});

describe("[AU5] tables", () => {
  test.each(["RINGCAST", "RINGCAST_OVERRIDES", "RINGCAST_NS_DEFAULT", "RINGCAST_NS_chat"])(
    "[AU5] %s that is no table is refused by its name",
    (name) => {
      for (const wrong of [1, true, null, [], "1", "null", "[]", '"{}"']) {
        expect(() => parseConfig({ [name]: wrong })).toThrow(new ConfigError(`${name} must be a table`));
      }
      for (const wrong of ["", "{", "insecure = true"]) {
        expect(() => parseConfig({ [name]: wrong })).toThrow(new ConfigError(`${name} is not JSON`));
      }
    },
  );

  test("[AU5] an override with a value for a table is refused by the table's path", () => {
    expect(() => parseConfig({ RINGCAST_OVERRIDES: { shards: 4 } })).toThrow("RINGCAST.shards: ");
  });

  test("[AU5] the defaults, written out, are a configuration that says the same", () => {
    const { cluster } = parseConfig({});
    expect(parseConfig({ RINGCAST: cluster }).cluster).toEqual(cluster);
  });

  test("[AU5] a table and its JSON text say the same, and so does one half laid over the other", () => {
    const paths = PATHS.filter(([name]) => name.startsWith("times.")).map(([, path]) => path);
    // Within the bounds of every time.
    const settings = fc.uniqueArray(
      fc.tuple(fc.constantFrom(...paths), fc.integer({ min: 1_000, max: 5_000 })),
      { selector: ([path]) => path.join("."), minLength: 1 },
    );
    const table = (chosen: readonly (readonly [string[], number])[]) => ({
      times: Object.fromEntries(chosen.map(([path, value]) => [path[1] ?? "", value])),
    });
    fc.assert(
      fc.property(settings, fc.nat(), (chosen, at) => {
        const whole = parseConfig({ RINGCAST: table(chosen) });
        expect(whole.cluster.times).toMatchObject(table(chosen).times);
        expect(parseConfig({ RINGCAST: JSON.stringify(table(chosen)) })).toEqual(whole);
        const cut = at % chosen.length;
        const halves = {
          RINGCAST: table(chosen.slice(0, cut)),
          RINGCAST_OVERRIDES: table(chosen.slice(cut)),
        };
        expect(parseConfig(halves)).toEqual(whole);
      }),
    );
  });

  test("[AU5] reading leaves the variables as they are", () => {
    const variables = { RINGCAST: { shards: { initial: 2 } }, RINGCAST_OVERRIDES: { shards: { max: 9 } } };
    const before = structuredClone(variables);
    parseConfig(variables);
    expect(variables).toEqual(before);
  });

  test("[AU5] DEFAULT is the namespace of channels without one, and no namespace of its own", () => {
    const { defaultNamespace, namespaces } = parseConfig({ RINGCAST_NS_DEFAULT: { presence: true } });
    expect(defaultNamespace).toMatchObject({ presence: true, join_leave: false });
    expect(namespaces.size).toBe(0);
  });
});

describe("[AU5] variables that look like settings of Ringcast and are not", () => {
  test.each([
    "RINCAST",
    "RINGCASTS",
    "RIGNCAST",
    "ringcast",
    "RINGCAST_TOKENS",
    "RINGCAST_NSorders",
    "RINGCAST_OVERRIDE",
    "RINGCAST_NS_",
    "RINGCAST_NS_default",
    "RINGCAT_NS_chat",
  ])("[AU5] %s is refused by its name", (name) => {
    expect(() => parseConfig({ [name]: {} })).toThrow(ConfigError);
    expect(() => parseConfig({ [name]: {} })).toThrow(`${name}: `);
  });

  test.each(["BROADCAST", "CAST", "RING", "PODCAST_URL", "SHARD_RINGCAST", "RING_TOKENS"])(
    "[AU5] %s is a variable of somebody else",
    (name) => {
      expect(parseConfig({ [name]: "anything" })).toEqual(parseConfig({}));
    },
  );

  test("[AU5] an option that does nothing without another is refused by the name of the other", () => {
    const wrong = (options: object) => () => parseConfig({ RINGCAST_NS_chat: options });
    expect(wrong({ history_size: 10 })).toThrow("RINGCAST_NS_chat.history_ttl: ");
    expect(wrong({ history_size: 10, history_ttl: "0s" })).toThrow("RINGCAST_NS_chat.history_ttl: ");
    expect(wrong({ history_ttl: "10m" })).toThrow("RINGCAST_NS_chat.history_size: ");
    expect(wrong({ history_size: 10, history_ttl: "10m" })).not.toThrow();
    expect(wrong({ history_size: 0 })).not.toThrow();
  });
});

describe("[AU10] weak secrets", () => {
  const key = "x".repeat(16);
  const secret = "s".repeat(32);

  test.each([
    ["API_KEY", { API_KEY: "x".repeat(15) }],
    ["READ_KEY", { READ_KEY: "short" }],
    ["READ_KEY", { API_KEY: key, READ_KEY: key }],
    ["TOKEN_HMAC_SECRET", { TOKEN_HMAC_SECRET: "s".repeat(31) }],
    ["TOKEN_HMAC_SECRET", { API_KEY: secret, TOKEN_HMAC_SECRET: secret }],
    ["API_KEY_PREVIOUS", { API_KEY: key, API_KEY_PREVIOUS: "old" }],
    ["READ_KEY_PREVIOUS", { API_KEY: key, READ_KEY_PREVIOUS: key }],
    ["TOKEN_HMAC_SECRET_PREVIOUS", { TOKEN_HMAC_SECRET: secret, TOKEN_HMAC_SECRET_PREVIOUS: "old" }],
    ["API_KEY", { API_KEY: 1234567890123456 }],
    ["OPERATOR_KEY_ANN", { OPERATOR_KEY_ANN: "short" }],
    ["OPERATOR_KEY_BOB", { OPERATOR_KEY_ANN: key, OPERATOR_KEY_BOB: key }],
    ["OPERATOR_KEY_ANN", { API_KEY: key, OPERATOR_KEY_ANN: key }],
  ])("[AU10] %s is refused by its name", (name, variables) => {
    expect(() => parseConfig(variables)).toThrow(ConfigError);
    expect(() => parseConfig(variables)).toThrow(`${name}: `);
  });

  test("[AU10] no secret's value is in the error", () => {
    const variables = { API_KEY: "tiny-secret", READ_KEY: "tiny-secret", TOKEN_HMAC_SECRET: "tiny-secret" };
    expect(() => parseConfig(variables)).not.toThrow("tiny-secret");
  });

  test("[AU10] secrets that are long enough and differ pass, and a secret may stay when its replacement begins", () => {
    // Bytes count, and not characters.
    const wide = "ü".repeat(16);
    const variables = {
      API_KEY: key,
      API_KEY_PREVIOUS: key,
      READ_KEY: `${key}r`,
      TOKEN_HMAC_SECRET: wide,
      TOKEN_HMAC_SECRET_PREVIOUS: secret,
    };
    expect(parseConfig(variables)).toEqual(parseConfig({}));
    expect(parseConfig({ API_KEY: "", READ_KEY: "" })).toEqual(parseConfig({}));
  });
});

describe("[PK20] secrets that anybody can read", () => {
  const templates = join(import.meta.dirname, "../../../templates");

  test.each(readdirSync(templates))(
    "[PK20] a deployment refuses each value of %s/.dev.vars.example",
    (name) => {
      const variables = parseEnv(readFileSync(join(templates, name, ".dev.vars.example"), "utf8"));
      expect(Object.keys(variables)).toEqual(["API_KEY", "READ_KEY", "TOKEN_HMAC_SECRET"]);
      for (const [secret, value] of Object.entries(variables)) {
        expect(() => parseConfig({ [secret]: value })).toThrow(`${secret}: has the published value`);
        expect(() => parseConfig({ [`${secret}_PREVIOUS`]: value })).toThrow(`${secret}_PREVIOUS: has the`);
      }
      expect(() => parseConfig({ ...variables, RINGCAST: { development: true } })).not.toThrow();
    },
  );

  test("[PK20] a deployment refuses the secrets of `ringcast/testing`", () => {
    for (const [secret, value] of Object.entries(SECRETS))
      expect(() => parseConfig({ [secret]: value })).toThrow(`${secret}: has the published value`);
    expect(() => parseConfig({ ...SECRETS, RINGCAST: { development: true } })).not.toThrow();
  });
});

describe("[AU22] options of Centrifugo that Ringcast does not have", () => {
  const DEFAULTS = {
    delta_publish: true,
    shared_position_sync: true,
    keep_latest_publication: true,
    allow_channel_compaction: true,
    auto_cache_recover: false,
    channel_regex: "",
    publication_data_format: "json",
    client_publish_debounce_interval: "0s",
    subscription_type: "stream",
    map: { mode: "ephemeral" },
    shared_poll: {},
    map_clients_presence_channel_prefix: "",
    map_users_presence_channel_prefix: "",
    subscribe_proxy_enabled: false,
    subscribe_proxy_name: "default",
    publish_proxy_enabled: false,
    publish_proxy_name: "default",
    sub_refresh_proxy_enabled: false,
    sub_refresh_proxy_name: "default",
    subscribe_stream_proxy_enabled: false,
    subscribe_stream_proxy_name: "default",
    subscribe_stream_bidirectional: false,
  };

  test("[AU22] a namespace takes those that change nothing, and is as without them", () => {
    const own = { presence: true, history_size: 5, history_ttl: "5m" };
    const parse = (options: object) => parseConfig({ RINGCAST_NS_chat: options }).namespaces.get("chat");
    expect(parse({ ...own, ...DEFAULTS })).toEqual(parse(own));
  });

  test.each([
    ["channel_regex", "^[a-z]+$"],
    ["publication_data_format", "json_object"],
    ["publication_data_format", "binary"],
    ["subscription_type", "map"],
    ["subscribe_proxy_enabled", true],
    ["publish_proxy_enabled", true],
    ["sub_refresh_proxy_enabled", true],
    ["auto_cache_recover", true],
    ["client_publish_debounce_interval", "100ms"],
  ])("[AU22] %s = %j is refused by its name", (option, value) => {
    expect(() => parseConfig({ RINGCAST_NS_chat: { ...DEFAULTS, [option]: value } })).toThrow(
      new ConfigError(`RINGCAST_NS_chat.${option}: Ringcast does not have this option of Centrifugo`),
    );
  });
});
