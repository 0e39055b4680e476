import { describe, expect, test } from "vitest";
import { inspect, type Deployment } from "../../../src/cli/check/inspect.ts";

const BINDINGS = [
  { name: "SHARD", class_name: "Shard" },
  { name: "CHANNEL", class_name: "Channel" },
  { name: "COORDINATOR", class_name: "Coordinator" },
];
const GOOD: Deployment = {
  environment: undefined,
  bindings: BINDINGS,
  migrations: [{ new_sqlite_classes: ["Shard", "Channel", "Coordinator"] }],
  exports: {},
  vars: { RINGCAST: { anonymous: true }, RINGCAST_NS_chat: { presence: true } },
  requiredSecrets: ["API_KEY", "READ_KEY", "TOKEN_HMAC_SECRET"],
  compatibilityFlags: ["no_web_socket_compression"],
};
const said = (changes: Partial<Deployment>): string[] =>
  inspect({ ...GOOD, ...changes }).findings.map(({ level, message }) => `${level}: ${message}`);

describe("[FH9] `ringcast check` names what is missing or wrong", () => {
  test("a whole configuration has no finding", () => {
    expect(inspect(GOOD)).toEqual({ environment: undefined, clusters: [""], findings: [] });
  });

  test("a binding", () => {
    const bindings = BINDINGS.slice(0, 2);
    const missing =
      'error: durable_objects.bindings: there is no COORDINATOR, for example { "name": "COORDINATOR", "class_name": "Coordinator" }';
    expect(said({ bindings })).toEqual([missing]);
    expect(said({ bindings, environment: "staging" })).toEqual([
      `${missing}; an environment takes over no bindings of the top level`,
    ]);
    expect(said({ bindings: [], vars: {} })).toHaveLength(3);
  });

  const migrations: [what: string, migrations: Deployment["migrations"], found: string[]][] = [
    ["absent", [], ["Shard", "Channel", "Coordinator"]],
    [
      "without SQL",
      [{ new_classes: ["Shard", "Channel"] }, { new_sqlite_classes: ["Coordinator"] }],
      ["Shard", "Channel"],
    ],
    ["one that deletes", [...GOOD.migrations, { deleted_classes: ["Channel"] }], ["Channel"]],
    [
      "one that renames",
      [
        { new_sqlite_classes: ["Old", "Channel", "Coordinator"] },
        { renamed_classes: [{ from: "Old", to: "Shard" }] },
      ],
      [],
    ],
    [
      "one that takes over",
      [{ new_sqlite_classes: ["Channel", "Coordinator"] }, { transferred_classes: [{ to: "Shard" }] }],
      [],
    ],
  ];
  test.each(migrations)("migrations: %s", (_, steps, found) => {
    const told = said({ migrations: steps });
    expect(told).toEqual(
      found.map((name) => expect.stringMatching(`^error: migrations: ${name}, .*new_sqlite_classes$`)),
    );
  });

  test("classes that are declared in place of migrations", () => {
    const live = (storage: string) => ({ type: "durable-object", storage });
    const exports = { Shard: live("sqlite"), Channel: live("sqlite"), Coordinator: live("sqlite") };
    expect(said({ migrations: [], exports })).toEqual([]);
    const gone = { type: "durable-object", state: "deleted" };
    expect(
      said({ migrations: [], exports: { ...exports, Shard: live("legacy-kv"), Channel: gone } }),
    ).toEqual([
      expect.stringMatching(/^error: migrations: Shard, .*no SQLite/),
      expect.stringMatching(/^error: migrations: Channel, /),
    ]);
  });

  test("the class of another Worker needs no migration here", () => {
    const bindings = BINDINGS.map((binding) => ({ ...binding, script_name: "realtime" }));
    expect(said({ bindings, migrations: [] })).toEqual([]);
  });

  test("settings, each wrong one by its path", () => {
    const vars = {
      RINGCAST: { shards: { initial: "4" }, anonymos: true },
      RINGCAST_NS_chat: { history_size: 1 },
    };
    expect(said({ vars: { RINGCAST: vars.RINGCAST } })).toEqual([
      "error: vars: RINGCAST.shards.initial: must be a number, not a text",
      "error: vars: RINGCAST.anonymos: there is no such field",
    ]);
    expect(said({ vars: { RINGCAST_NS_chat: vars.RINGCAST_NS_chat } })).toEqual([
      "error: vars: RINGCAST_NS_chat.history_ttl: history_size does nothing without it",
    ]);
    expect(said({ vars: { RINGCAST: "{", RINCAST: {} } })).toEqual([
      expect.stringMatching(/^error: vars: RINCAST: /),
    ]);
    expect(said({ vars: { RINGCAST: JSON.stringify(vars.RINGCAST) } })).toHaveLength(2);
  });

  test("settings for local work, and a shared namespace without the shards of Socket.IO", () => {
    expect(said({ vars: { RINGCAST: { development: true, insecure: true } } })).toEqual([
      expect.stringMatching(/^warning: vars: RINGCAST\.development/),
      expect.stringMatching(/^warning: vars: RINGCAST\.insecure/),
    ]);
    const vars = { RINGCAST_OVERRIDES: {}, RINGCAST_NS_chat: { socketio: true } };
    expect(said({ vars })).toEqual([
      expect.stringMatching(/^warning: vars: RINGCAST_OVERRIDES /),
      expect.stringMatching(/^warning: vars: RINGCAST_NS_chat\.socketio .*SHARD_SOCKETIO$/),
    ]);
    const socketio = { name: "SHARD_SOCKETIO", class_name: "SocketIoShard" };
    expect(
      said({ bindings: [...BINDINGS, socketio], vars: { RINGCAST_NS_chat: { socketio: true } } }),
    ).toEqual([expect.stringMatching(/^error: migrations: SocketIoShard, the class of SHARD_SOCKETIO/)]);
  });

  test("secrets that a deployment could lack, or that all can read", () => {
    expect(said({ requiredSecrets: undefined })).toEqual([
      "warning: secrets.required: without API_KEY, READ_KEY, TOKEN_HMAC_SECRET Wrangler deploys a Worker that lacks them",
    ]);
    const webhook = { url: "https://example.com", events: ["published"] };
    expect(said({ vars: { RINGCAST: { webhook } } })).toEqual([
      expect.stringMatching(
        /^warning: secrets\.required: without WEBHOOK_SECRET .*, and ignores them in \.dev\.vars$/,
      ),
    ]);
    expect(said({ vars: { API_KEY: "an-api-key-that-is-public" } })).toEqual([
      expect.stringMatching(/^warning: vars: API_KEY is a secret/),
    ]);
  });

  test("the flag against compression", () => {
    expect(said({ compatibilityFlags: [] })).toEqual([
      expect.stringMatching(/^warning: compatibility_flags: /),
    ]);
  });

  test("each cluster of a Worker has its own findings, by its own names", () => {
    const games = { RINGCAST: { shards: { max: 0 } }, GAME_RINGCAST: { moves: 1 }, GAME_CHANNEL_NAME: "x" };
    const requiredSecrets = ["", "GAME_"].flatMap(
      (prefix) => GOOD.requiredSecrets?.map((name) => prefix + name) ?? [],
    );
    const { clusters, findings } = inspect({ ...GOOD, vars: games, requiredSecrets });
    expect(clusters).toEqual(["", "GAME_"]);
    expect(findings.map(({ message }) => message)).toEqual([
      "vars: RINGCAST.shards.max: must be at least 1",
      expect.stringMatching("there is no GAME_SHARD"),
      expect.stringMatching("there is no GAME_CHANNEL"),
      expect.stringMatching("there is no GAME_COORDINATOR"),
      "vars: GAME_RINGCAST.moves: must be an object, not 1",
    ]);
    // An object of the application's own is no cluster, and a namespace of that name neither.
    const bindings = [...BINDINGS, { name: "TV_CHANNEL", class_name: "Tv" }];
    expect(inspect({ ...GOOD, bindings, vars: { RINGCAST_NS_RINGCAST: {} } }).clusters).toEqual([""]);
  });
});
