import { experimental_readRawConfig } from "wrangler";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { settingsSchema, type JsonSchema } from "../../../scripts/docs/settings-schema.ts";
import { parseConfig } from "../../../src/config/config.ts";

const { definitions, ...schema } = settingsSchema() as JsonSchema & {
  definitions: { cluster: JsonSchema; namespace: JsonSchema };
};
const accepts = (name: "cluster" | "namespace") => {
  const checked = z.fromJSONSchema(definitions[name]);
  return (value: unknown) => checked.safeParse(value).success;
};
const [cluster, namespace] = [accepts("cluster"), accepts("namespace")];

describe("[FH8] the JSON schema of the settings", () => {
  test("accepts what a deployment accepts", () => {
    for (const config of [
      "wrangler.toml",
      "templates/minimal/wrangler.jsonc",
      "examples/chat/wrangler.toml",
    ]) {
      const { vars = {} } = experimental_readRawConfig({ config }).rawConfig;
      parseConfig(vars);
      for (const [name, value] of Object.entries(vars)) {
        const accepted = name === "RINGCAST" ? cluster : namespace;
        expect([config, name, accepted(value)]).toEqual([config, name, true]);
      }
    }
    expect(cluster('{"anonymous":true}')).toBe(true);
    expect(cluster({ socketio: { connectionStateRecovery: true } })).toBe(true);
    // Options of Centrifugo that change nothing here.
    expect(namespace({ delta_publish: true, map: {} })).toBe(true);
  });

  test("refuses what a deployment refuses", () => {
    for (const wrong of [
      { anonymos: true },
      { shards: { initial: "4" } },
      { shards: { initial: 0 } },
      { scale: { mode: "yes" } },
    ]) {
      expect([wrong, cluster(wrong)]).toEqual([wrong, false]);
      expect(() => parseConfig({ RINGCAST: wrong })).toThrow("RINGCAST.");
    }
    for (const wrong of [{ presense: true }, { presence: 1 }, { history_size: -1 }]) {
      expect([wrong, namespace(wrong)]).toEqual([wrong, false]);
      expect(() => parseConfig({ RINGCAST_NS_chat: wrong })).toThrow("RINGCAST_NS_chat.");
    }
  });

  test("has the default of each setting, which the deployment takes", () => {
    const defaultsOf = (table: JsonSchema): Record<string, unknown> =>
      Object.fromEntries(
        Object.entries(table.properties ?? {}).flatMap(([name, field]) => {
          if (field.properties !== undefined) return name === "webhook" ? [] : [[name, defaultsOf(field)]];
          return field["default"] === undefined ? [] : [[name, field["default"]]];
        }),
      );
    const [table] = definitions.cluster.anyOf ?? [];
    const RINGCAST = defaultsOf(table ?? {});
    expect(Object.keys(RINGCAST).length).toBeGreaterThan(10);
    expect(parseConfig({ RINGCAST })).toEqual(parseConfig({}));
  });

  test("says of a setting what its code says, without the places of this repository", () => {
    const text = JSON.stringify(definitions);
    const [table] = definitions.cluster.anyOf ?? [];
    const field = (first: string, second: string) =>
      table?.properties?.[first]?.properties?.[second]?.description;
    expect(field("affinity", "userIsKey")).toMatch(
      /^Refuses a connection whose verified user differs from its key \(3507\)/,
    );
    expect(field("limits", "connectionsPerUser")).toMatch(/^The open connections of one user/);
    expect(table?.properties?.["scale"]?.description).toMatch(/^How the ring grows and shrinks by itself/);
    expect(text).not.toMatch(/SPEC|docs\//);
    expect(text.match(/"description"/g)?.length).toBeGreaterThan(60);
  });

  test("is Wrangler's with Ringcast's variables, of the top level, of each environment, and with a prefix", () => {
    expect(schema).toMatchObject({
      allOf: [{ $ref: "../../wrangler/config-schema.json" }],
      properties: {
        vars: { $ref: "#/definitions/vars" },
        env: { additionalProperties: { properties: { vars: { $ref: "#/definitions/vars" } } } },
      },
    });
    const { patternProperties } = (definitions as unknown as { vars: { patternProperties: object } }).vars;
    const kinds = (name: string) =>
      Object.entries(patternProperties).flatMap(([pattern, { $ref }]) =>
        new RegExp(pattern).test(name) ? [$ref] : [],
      );
    for (const name of ["RINGCAST", "GAME_RINGCAST"]) expect(kinds(name)).toEqual(["#/definitions/cluster"]);
    for (const name of ["RINGCAST_NS_chat", "GAME_RINGCAST_NS_chat"])
      expect(kinds(name)).toEqual(["#/definitions/namespace"]);
    for (const name of ["RINGCAST_OVERRIDES", "MY_SETTING"]) expect(kinds(name)).toEqual([]);
  });
});
