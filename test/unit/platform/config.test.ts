import { expect, test } from "vitest";
import { readEnvWith } from "../../../src/platform/bindings.ts";
import { configOf } from "../../../src/platform/config.ts";

test("[AU5] an error of the settings names the variables as the Worker has them, with the prefix of their cluster", () => {
  const variables = { GAME_RINGCAST: { limits: { frameBytes: "many" } }, GAME_API_KEY: "short" };
  const read = (prefix: string) => configOf(readEnvWith(prefix)(variables as unknown as Cloudflare.Env));
  expect(() => read("GAME_")).toThrow(/^GAME_API_KEY: has fewer/);
  variables.GAME_API_KEY = "long enough for a key";
  expect(() => read("GAME_")).toThrow(/^GAME_RINGCAST\.limits\.frameBytes: /);
  expect(() => read("OTHER_")).not.toThrow();
});
